//! A submission's way into slots: admitted once, within the bounds of the queue; after that it waits
//! for as long as it takes, so that it is never turned away half-way.

use std::time::Duration;

use super::engine::Engine;
use crate::admission::{Admit, Caller, Overloaded, Slot};

/// One submission before, and between, its stays in a slot.
pub(super) struct SlotAccess<'a> {
    engine: &'a Engine,
    admit: Admit,
    caller: Caller,
    waited: Duration,
}

impl<'a> SlotAccess<'a> {
    pub(super) fn new(engine: &'a Engine, admit: Admit, caller: Caller) -> SlotAccess<'a> {
        SlotAccess { engine, admit, caller, waited: Duration::ZERO }
    }

    /// Waits for a slot.
    pub(super) async fn place(&mut self) -> Result<Slot, Overloaded> {
        let slot = self.engine.admission.enter(self.admit, self.caller).await.inspect_err(|_| {
            self.engine.metrics.turned_away();
        })?;
        self.admit = Admit::Patient;
        self.waited += slot.waited();
        self.engine.metrics.slot_entered(slot.waited());
        Ok(slot)
    }

    /// The place, and so many more in all as are idle.
    pub(super) fn further(&self, place: Slot, wanted: usize) -> Vec<Slot> {
        let mut places = vec![place];
        while places.len() < wanted
            && let Some(slot) = self.engine.admission.enter_if_idle()
        {
            places.push(slot);
        }
        places
    }

    /// How long it has waited in all.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}
