<?php

declare(strict_types=1);

use Roman\Numeral;

require __DIR__ . '/../vendor/autoload.php';

foreach ([1 => 'I', 4 => 'IV', 1994 => 'MCMXCIV', 2026 => 'MMXXVI', 3999 => 'MMMCMXCIX'] as $number => $numeral) {
    if (Numeral::of($number) !== $numeral) {
        fwrite(STDERR, "$number is " . Numeral::of($number) . ", not $numeral\n");
        exit(1);
    }
}
foreach ([0, -1, 4000] as $number) {
    try {
        Numeral::of($number);
        fwrite(STDERR, "$number was taken\n");
        exit(1);
    } catch (\RangeException) {
    }
}
echo "all numerals are right\n";
