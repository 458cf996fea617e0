package example;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.time.format.TextStyle;
import java.util.Locale;
import java.util.Optional;

/** The day of the week of a date. */
final class Weekday {
  private Weekday() {}

  /** Of a date as in ISO 8601, such as 2026-11-26; empty for what is none. */
  static Optional<String> of(String date) {
    try {
      return Optional.of(LocalDate.parse(date).getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
