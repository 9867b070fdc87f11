//! A plugin's metric, with every answer checked.

// Calls the plugin's functions.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use abi::{AssignFn, Descriptor, DistancesFn};
use kmeans::{Metric, MetricError};

use crate::descriptor::{self, Checked};
use crate::refusal::Refusal;

/// How a protocol may compute a metric's costs on hidden data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureForm {
    /// Not at all.
    None,
    /// As the sum of squared differences.
    SquaredEuclidean,
    /// As the sum of absolute differences.
    Manhattan,
}

impl SecureForm {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        match number {
            abi::SECURE_FORM_NONE => Some(Self::None),
            abi::SECURE_FORM_SQUARED_EUCLIDEAN => Some(Self::SquaredEuclidean),
            abi::SECURE_FORM_MANHATTAN => Some(Self::Manhattan),
            _ => None,
        }
    }
}

/// A metric over the C interface.
///
/// After each call the status, every label and every cost are checked. The first breach of contract disables
/// the metric: it and all later calls give [`MetricError::Broken`].
#[derive(Debug)]
pub struct LoadedMetric {
    name: String,
    version: String,
    costs_are_squares: bool,
    secure_form: SecureForm,
    assign: AssignFn,
    distances: DistancesFn,
    broken: OnceLock<String>,
}

/// Wraps a plugin that is linked into this program, such as `euclidean::METRIC`.
///
/// # Errors
/// The fault in the descriptor, if there is one. The conformance suite is not run.
pub fn from_static(descriptor: &'static Descriptor) -> Result<LoadedMetric, Refusal> {
    descriptor::check(descriptor).map(LoadedMetric::new)
}

impl LoadedMetric {
    pub(crate) fn new(checked: Checked) -> Self {
        let Checked { name, version, costs_are_squares, secure_form, assign, distances } = checked;
        Self { name, version, costs_are_squares, secure_form, assign, distances, broken: OnceLock::new() }
    }

    /// Whether costs are squares of a distance, so that their roots are in the unit of the data.
    pub fn costs_are_squares(&self) -> bool {
        self.costs_are_squares
    }

    /// How a protocol may compute the costs on hidden data.
    pub fn secure_form(&self) -> SecureForm {
        self.secure_form
    }

    /// What the metric did wrong, if it is disabled.
    pub fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    fn ensure_sound(&self) -> Result<(), MetricError> {
        match self.broken.get() {
            None => Ok(()),
            Some(what) => Err(MetricError::Broken { name: self.name.clone(), what: what.clone() }),
        }
    }

    /// Disables the metric. The first reason stays.
    fn disable(&self, what: String) -> MetricError {
        let what = self.broken.get_or_init(|| what).clone();
        MetricError::Broken { name: self.name.clone(), what }
    }

    fn check_status(&self, function: &str, status: i32) -> Result<(), MetricError> {
        match status {
            abi::STATUS_OK => Ok(()),
            abi::STATUS_SHAPE => {
                Err(MetricError::Shape("the metric does not take this number of attributes or centres"))
            }
            abi::STATUS_NOT_FINITE => Err(MetricError::NonFinite),
            abi::STATUS_INTERNAL => Err(self.disable(format!("`{function}` failed inside the plugin"))),
            other => Err(self.disable(format!("`{function}` returned {other}, which means nothing"))),
        }
    }

    fn check_costs(&self, function: &str, costs: &[f64]) -> Result<(), MetricError> {
        // The comparison is false for NaN too.
        if costs.iter().all(|&cost| (0.0..f64::INFINITY).contains(&cost)) {
            return Ok(());
        }
        Err(self.disable(format!("`{function}` gave a cost that is negative or not finite")))
    }
}

impl Metric for LoadedMetric {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        self.ensure_sound()?;
        check_rows(rows, dim, costs.len())?;
        if labels.len() != costs.len() {
            return Err(MetricError::Shape("there must be as many labels as costs"));
        }
        if centres.is_empty() || !centres.len().is_multiple_of(dim) {
            return Err(MetricError::Shape("the centres do not divide by the number of attributes"));
        }
        let k = centres.len() / dim;
        let Ok(k_label) = u32::try_from(k) else {
            return Err(MetricError::Shape("there are more centres than labels can tell apart"));
        };
        if labels.is_empty() {
            return Ok(());
        }
        // What the plugin leaves out fails the checks below.
        labels.fill(u32::MAX);
        costs.fill(f64::NAN);
        // SAFETY: the pointers come from slices of the lengths that go with them, checked above; the
        // outputs are borrowed alone. The descriptor came from a trusted file and passed its checks.
        let status = unsafe {
            (self.assign)(
                rows.as_ptr(),
                labels.len(),
                dim,
                centres.as_ptr(),
                k,
                labels.as_mut_ptr(),
                costs.as_mut_ptr(),
            )
        };
        self.check_status("assign", status)?;
        if !labels.iter().all(|&label| label < k_label) {
            return Err(self.disable("`assign` gave a label that is no centre's".to_owned()));
        }
        self.check_costs("assign", costs)
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        self.ensure_sound()?;
        check_rows(rows, dim, costs.len())?;
        if centre.len() != dim {
            return Err(MetricError::Shape("the centre must have as many values as a row"));
        }
        if costs.is_empty() {
            return Ok(());
        }
        costs.fill(f64::NAN);
        // SAFETY: as in `assign`.
        let status =
            unsafe { (self.distances)(rows.as_ptr(), costs.len(), dim, centre.as_ptr(), costs.as_mut_ptr()) };
        self.check_status("distances", status)?;
        self.check_costs("distances", costs)
    }
}

fn check_rows(rows: &[f64], dim: usize, count: usize) -> Result<(), MetricError> {
    if dim == 0 {
        return Err(MetricError::Shape("a row must have at least one attribute"));
    }
    if count.checked_mul(dim) != Some(rows.len()) {
        return Err(MetricError::Shape("the rows do not fit the outputs"));
    }
    Ok(())
}
