//! What is to be expected of hole punches.

use super::{
    family::{LAYERS, Measured},
    mapping::is_symmetric,
};
use crate::model::{Filtering, Layer4, Mapping, Prediction};

impl Measured {
    /// Adds what is to be expected.
    pub(super) fn predict(&mut self) {
        for layer in LAYERS {
            let (behaviour, reached) = (self.behaviour(layer), self.is_reached(layer));
            let prediction = match predicted(behaviour.mapping, behaviour.filtering) {
                _ if reached => Prediction::NotNeeded,
                Prediction::Unlikely if behaviour.one_witness => Prediction::Unknown,
                prediction => prediction,
            };
            let told = if layer == Layer4::Udp { &mut self.nat.udp } else { &mut self.nat.tcp };
            told.hole_punch_predicted = prediction;
        }
        if self.udp_blocked {
            self.nat.udp.hole_punch_predicted = Prediction::Unlikely;
        }
    }
}

/// Both sides of a punch have to know where to send: a mapping that depends on the destination has no such place. How a peer
/// filters decides little, since both sides send. Where such a mapping lets everybody in, whoever is told of it comes in at once.
fn predicted(mapping: Mapping, filtering: Filtering) -> Prediction {
    match (mapping, filtering) {
        (Mapping::None | Mapping::EndpointIndependent, Filtering::None | Filtering::EndpointIndependent) => Prediction::NotNeeded,
        (Mapping::None | Mapping::EndpointIndependent, _) => Prediction::Likely,
        (mapping, filtering) if is_symmetric(mapping) && filtering != Filtering::EndpointIndependent => Prediction::Unlikely,
        (_, _) => Prediction::Unknown,
    }
}
