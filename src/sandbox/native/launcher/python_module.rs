//! What an interpreter calls of this crate: the module `_proofbox`.
//!
//! Theory of operation. This crate is also built as a shared library. A launcher executes the
//! interpreter, the very program that bare solutions run on, with a script that loads what solutions
//! commonly use, imports this library as the module `_proofbox` and calls `_proofbox.serve(run)`,
//! which goes on in [`super::warm`]. Slots, cells and runs are forks of that process; in a run, and
//! only there, `run` is called with what the run is to do.

#![expect(unsafe_code, reason = "a name that the interpreter looks for is exported")]

use super::warm;
use crate::sandbox::{
    native::cell::series,
    sys::{
        self,
        python::{self, Callback, Method, Object},
    },
};

static METHODS: [Method; 5] = [
    Method::of_one(c"serve", serve),
    Method::of_none(c"next_run", next_run),
    Method::of_one(c"newest_change", python::newest_change),
    Method::of_one(c"evaluate", python::evaluate),
    Method::END,
];

/// Called by the interpreter when it imports this library as `_proofbox`.
///
/// # Safety
/// Only an interpreter may call it, once it is initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit__proofbox() -> Object {
    python::make_module(c"_proofbox", &METHODS)
}

/// `_proofbox.serve(run)`: does not return to Python, and so borrows `run` for good.
extern "C" fn serve(_module: Object, run: Object) -> Object {
    warm::serve_in_interpreter(&Callback::new(run));
    sys::exit_now(0)
}

/// `_proofbox.next_run()`: 1 when the next run of a series may begin, its input in place; 0 at the end.
extern "C" fn next_run(_module: Object, _nothing: Object) -> Object {
    python::whole_number(series::receive_input().is_ok_and(|came| came).into())
}
