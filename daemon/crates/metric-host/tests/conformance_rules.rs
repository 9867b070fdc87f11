//! Metrics that break one rule each in ways that a plugin over the C interface would be caught at earlier.

use std::thread::{self, ThreadId};

use kmeans::{Metric, MetricError};
use metric_host::conformance::{self, Rule};
use metric_host::{LoadedMetric, from_static};

/// The Manhattan metric with a twist.
#[derive(Debug)]
struct Twisted {
    inner: LoadedMetric,
    twist: Twist,
}

#[derive(Debug)]
enum Twist {
    /// Other costs on other threads than this.
    Thread(ThreadId),
    /// Gives out infinite costs.
    AnswersNonFinite,
    /// Calls large values by another error.
    MisnamesOverflow,
    /// Takes rows of up to two attributes only.
    Plane,
    /// `assign` takes rows of up to two attributes only, `distances` all.
    AssignTakesLess,
}

impl Twisted {
    fn new(twist: Twist) -> Self {
        Self { inner: from_static(&manhattan::METRIC).unwrap(), twist }
    }

    fn twist(
        &self,
        answer: Result<(), MetricError>,
        dim: usize,
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        match &self.twist {
            Twist::Thread(home) => {
                if thread::current().id() != *home {
                    costs.iter_mut().for_each(|cost| *cost = cost.next_up());
                }
                answer
            }
            Twist::AnswersNonFinite => answer.or_else(|_| {
                costs.fill(f64::INFINITY);
                Ok(())
            }),
            Twist::MisnamesOverflow => match answer {
                Ok(()) if costs.iter().any(|&cost| cost > 1e300) => Err(MetricError::Shape("too large")),
                answer => answer,
            },
            Twist::Plane if dim > 2 => Err(MetricError::Shape("not in the plane")),
            Twist::Plane | Twist::AssignTakesLess => answer,
        }
    }
}

impl Metric for Twisted {
    fn name(&self) -> &str {
        "twisted"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        if matches!(self.twist, Twist::AssignTakesLess) && dim > 2 {
            return Err(MetricError::Shape("not in the plane"));
        }
        let answer = self.inner.assign(rows, dim, centres, labels, costs);
        self.twist(answer, dim, costs)
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        let answer = self.inner.distances(rows, dim, centre, costs);
        self.twist(answer, dim, costs)
    }
}

fn broken_rule(twist: Twist) -> Rule {
    conformance::check(&Twisted::new(twist)).unwrap_err().rule
}

#[test]
fn each_twist_breaks_its_rule() {
    assert_eq!(broken_rule(Twist::Thread(thread::current().id())), Rule::IndependentOfThread);
    assert_eq!(broken_rule(Twist::AnswersNonFinite), Rule::RefusesNonFinite);
    assert_eq!(broken_rule(Twist::MisnamesOverflow), Rule::RefusesOverflow);
    assert_eq!(broken_rule(Twist::AssignTakesLess), Rule::TakesSomeDimension);
}

#[test]
fn a_metric_may_be_made_for_few_attributes() {
    let report = conformance::check(&Twisted::new(Twist::Plane)).unwrap();
    assert_eq!(report.dims, 2);
}
