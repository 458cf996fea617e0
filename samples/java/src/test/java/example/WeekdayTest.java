package example;

import static org.junit.Assert.assertEquals;

import java.util.Optional;
import org.junit.Test;

public class WeekdayTest {
  @Test
  public void knowsTheDay() {
    assertEquals(Optional.of("Thursday"), Weekday.of("2026-11-26"));
    assertEquals(Optional.of("Saturday"), Weekday.of("2000-01-01"));
  }

  @Test
  public void refusesWhatIsNoDate() {
    assertEquals(Optional.empty(), Weekday.of("2026-02-30"));
    assertEquals(Optional.empty(), Weekday.of("tomorrow"));
  }
}
