<?php

// GET /2026 answers MMXXVI.
declare(strict_types=1);

use Roman\Numeral;

require __DIR__ . '/../vendor/autoload.php';

header('Content-Type: text/plain');
$path = trim((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), '/');
if ($path === '') {
    echo "GET /NUMBER answers with its Roman numeral\n";

    return;
}
try {
    echo ctype_digit($path) ? Numeral::of((int) $path) : throw new \RangeException('no number'), "\n";
} catch (\RangeException $e) {
    http_response_code(400);
    echo $e->getMessage(), "\n";
}
