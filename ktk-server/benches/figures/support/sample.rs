//! Samples, and how they are printed.

use std::time::Duration;

/// Numbers that were measured.
#[derive(Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds one.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    /// Adds a time, as milliseconds.
    pub fn push_ms(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e3);
    }

    /// Adds a rate: so many in this time.
    pub fn push_rate(&mut self, count: usize, time: Duration) {
        self.push(count as f64 / time.as_secs_f64());
    }

    /// The value below which this part of them lies.
    pub fn quantile(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The standard error of the median, by the spread of the middle half: stragglers say nothing of it.
    fn error_of_median(&self) -> f64 {
        let deviation = (self.quantile(0.75) - self.quantile(0.25)) / 1.349;
        1.2533 * deviation / (self.0.len() as f64).sqrt()
    }
}

/// Prints a heading: what is measured, and what was durable.
#[expect(clippy::print_stdout, reason = "a benchmark speaks to its user")]
pub fn heading(title: &str, durable: &str) {
    println!("\n{title}\n  durable: {durable}");
}

/// Prints a line: median, least, most.
#[expect(clippy::print_stdout, reason = "a benchmark speaks to its user")]
pub fn line(name: &str, unit: &str, sample: &Sample) {
    let (least, most) = (sample.quantile(0.0), sample.quantile(1.0));
    println!("  {name:<44} {:>11.2} {unit:<4} ({least:.2} to {most:.2})", sample.median());
}

/// Prints a line: p50, p99.
#[expect(clippy::print_stdout, reason = "a benchmark speaks to its user")]
pub fn tail_line(name: &str, unit: &str, sample: &Sample) {
    let (p50, p99) = (sample.median(), sample.quantile(0.99));
    println!("  {name:<44} p50 {p50:>7.2} p99 {p99:>7.2} {unit}  (most {:.2})", sample.quantile(1.0));
}

/// Prints how one median compares with another's.
#[expect(clippy::print_stdout, reason = "a benchmark speaks to its user")]
pub fn ratio(name: &str, sample: &Sample, reference: &Sample) {
    println!("  {name:<44} {:>11.2} times", sample.median() / reference.median());
}

/// Prints how far two medians are from each other, in standard errors of that difference.
#[expect(clippy::print_stdout, reason = "a benchmark speaks to its user")]
pub fn difference(name: &str, one: &Sample, other: &Sample) {
    let error = one.error_of_median().hypot(other.error_of_median());
    println!("  {name:<44} {:>11.2}", (one.median() - other.median()).abs() / error);
}
