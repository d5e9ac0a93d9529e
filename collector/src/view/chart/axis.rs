//! The axis of values: from a round number to another one, with some round ones between.

use super::Unit;

/// About how many steps an axis has.
const STEPS: f64 = 4.0;

/// From where to where values are shown.
#[derive(Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis with all values from the lowest to the highest, and zero.
    pub(super) fn of(low: f64, high: f64, unit: &Unit) -> Axis {
        // Differences of the largest numbers are none.
        let (low, high) = (low.clamp(-1e300, 0.0), high.clamp(0.0, 1e300));
        let rough = (high - low) / STEPS;
        let step = if rough > 1e-300 { unit.step(rough) } else { unit.step(0.25) };
        let high = (high / step).ceil().max(if low < 0.0 { 0.0 } else { 1.0 }) * step;
        Axis { low: (low / step).floor() * step, high, step }
    }

    /// The numbers that are written.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round().clamp(0.0, 16.0) as i32;
        (0..=count).map(|number| self.low + f64::from(number) * self.step)
    }

    /// Where a value is, from 0 at the low end to 1 at the high one.
    pub(super) fn at(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(low: f64, high: f64, unit: &str) -> Vec<String> {
        let unit = Unit::of(unit);
        Axis::of(low, high, &unit).ticks().map(|tick| unit.text(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers_of_the_unit_around_the_values() {
        assert_eq!(written(0.0, 0.187, "s"), ["0", "50.0 ms", "100 ms", "150 ms", "200 ms"]);
        assert_eq!(written(0.0, 3e6, "By"), ["0", "1 MiB", "2 MiB", "3 MiB"]);
        assert_eq!(written(-3.0, 9.0, "{item}"), ["-5", "0", "5", "10"]);
        assert_eq!(written(0.0, 0.0, "1"), ["0", "0.5"]);
        assert_eq!(written(0.0, 1.0, "%"), ["0", "0.5 %", "1 %"]);
    }

    #[test]
    fn every_value_is_on_its_axis_and_there_are_few_ticks() {
        let mut value = 1e-9;
        while value < 1e12 {
            for unit in ["s", "By", "1", "ms", "%"] {
                let axis = Axis::of(-value / 3.0, value, &Unit::of(unit));
                assert!(axis.low <= -value / 3.0 && value <= axis.high * 1.000_001, "{axis:?} {value}");
                assert!((2..=8).contains(&axis.ticks().count()), "{axis:?} {value}");
            }
            value *= 1.37;
        }
    }
}
