<?php

declare(strict_types=1);

namespace Roman;

final class Numeral
{
    private const VALUES = [
        'M' => 1000, 'CM' => 900, 'D' => 500, 'CD' => 400, 'C' => 100, 'XC' => 90,
        'L' => 50, 'XL' => 40, 'X' => 10, 'IX' => 9, 'V' => 5, 'IV' => 4, 'I' => 1,
    ];

    /** @throws \RangeException for a number that has no numeral */
    public static function of(int $number): string
    {
        if ($number < 1 || $number > 3999) {
            throw new \RangeException('a number from 1 to 3999');
        }
        $numeral = '';
        foreach (self::VALUES as $letters => $value) {
            $numeral .= str_repeat($letters, intdiv($number, $value));
            $number %= $value;
        }

        return $numeral;
    }
}
