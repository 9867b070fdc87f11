//! How long each step of a run takes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use protocol::{Place, Step};

/// A clock that is told of every step.
pub(crate) struct Phases(Mutex<State>);

struct State {
    place: Place,
    since: Instant,
    seconds: BTreeMap<String, f64>,
}

impl Phases {
    /// Begins with the setup.
    pub(crate) fn begin() -> Self {
        let place = Place { step: Step::Setup, round: 0 };
        Phases(Mutex::new(State { place, since: Instant::now(), seconds: BTreeMap::new() }))
    }

    /// The run is now at `place`.
    pub(crate) fn enter(&self, place: Place) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.place.step != place.step {
            state.stop();
        }
        state.place = place;
    }

    /// Where the run is.
    pub(crate) fn place(&self) -> Place {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).place
    }

    /// Seconds by step up to now.
    pub(crate) fn so_far(&self) -> BTreeMap<String, f64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stop();
        state.seconds.clone()
    }
}

impl State {
    fn stop(&mut self) {
        let now = Instant::now();
        let spent = now.duration_since(self.since).as_secs_f64();
        *self.seconds.entry(self.place.step.name().to_owned()).or_default() += spent;
        self.since = now;
    }
}
