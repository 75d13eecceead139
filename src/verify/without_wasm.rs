//! In a build without the Wasm runner (the cargo feature `wasm`): what needs WebAssembly is refused, and all else
//! runs natively. Nothing here is ever made: the types have no values.

use std::{convert::Infallible, time::Instant};

use super::{Engine, slot_access::Door};
use crate::{
    admission::Slot,
    language::{Language, TestsOrder},
    report::Report,
    sandbox::{Fault, Outcome, Tier},
    submission::{CodeTests, Runtime, Submission},
    verdict::code::Conversation,
};

/// A submission that runs in WebAssembly.
#[derive(Clone, Copy)]
pub(super) struct InWasm<'a> {
    pub language: &'a Language,
    none: Infallible,
}

/// Its job.
#[derive(Clone, Copy)]
pub(super) struct InWasmCell<'a> {
    pub asked: InWasm<'a>,
}

impl InWasmCell<'_> {
    pub fn is_doubtful(&self, _: &Outcome) -> bool {
        match self.asked.none {}
    }
}

impl Engine {
    /// That a submission runs natively, or why it cannot.
    pub(super) fn in_wasm<'a>(&'a self, submission: &'a Submission) -> Result<Option<InWasm<'a>>, String> {
        let asked = match submission.runtime {
            Runtime::Auto if submission.deterministic => Runtime::Wasm,
            Runtime::Auto => self.runtime,
            asked => asked,
        };
        let without_native = self.sandbox.tier() == Tier::Wasm;
        match asked {
            Runtime::Native if submission.deterministic => {
                Err("native runs are measured by a clock: \"deterministic\" needs the runtime \"wasm\""
                    .to_owned())
            }
            Runtime::Native if without_native => Err("there is no native runner here".to_owned()),
            _ if asked == Runtime::Wasm || without_native => {
                Err("this proofbox was built without the Wasm runner".to_owned())
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn decide_in_wasm(&self, asked: &InWasm<'_>, _: &mut Door<'_>, _: Instant) -> Report {
        match asked.none {}
    }

    pub(super) async fn converse_in_wasm(
        &self,
        cell: InWasmCell<'_>,
        _: &Submission,
        _: &CodeTests,
        _: &TestsOrder<'_>,
        _: Slot,
    ) -> Result<Conversation, Fault> {
        match cell.asked.none {}
    }
}
