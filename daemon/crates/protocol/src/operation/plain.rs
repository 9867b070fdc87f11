//! One party that holds everything: evaluates an operation's circuits in the clear, to hold them against their
//! definitions.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sharing::{BitSlices, Circuit, Party, RingVec};

use super::{Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::Place;

/// The left party, of which the right one's shares are zero.
pub(crate) struct Plain;

impl Plain {
    pub(crate) fn evaluated(&self, circuit: &Circuit, inputs: &BitSlices) -> BitSlices {
        circuit.evaluate_plain(inputs).expect("the inputs fit the circuit")
    }
}

impl Engine for Plain {
    fn party(&self) -> Option<Party> {
        Some(Party::Left)
    }

    async fn evaluate(
        &mut self,
        _: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> Result<BitSlices, ProtocolError> {
        Ok(self.evaluated(circuit, &inputs))
    }

    async fn open(&mut self, _: Place, shares: BitSlices) -> Result<BitSlices, ProtocolError> {
        Ok(shares)
    }
}

/// What `operation` opens when the joint sum is `total`.
pub(crate) fn evaluated<O: Operation>(operation: &O, total: Vec<u64>) -> BitSlices {
    assert_eq!(total.len(), operation.slots() * operation.limbs(), "a total of the declared size");
    let total = RingVec::new(operation.limbs(), total).expect("whole elements");
    let mut engine = Plain;
    let opened = pin!(operation.evaluate(&mut engine, Total(Some(total))));
    match opened.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(opened) => {
            let opened = opened.expect("evaluates");
            assert_eq!((opened.lanes(), opened.bits()), operation.opened(), "opens what it declares");
            opened
        }
        Poll::Pending => unreachable!("nothing to wait for"),
    }
}
