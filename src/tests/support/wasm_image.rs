//! Wasm images for tests.

use std::{
    collections::HashMap,
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use proofbox::{
    config::default_wasm_directory,
    images::{BuildError, build},
    language::wasm::WasmLanguages,
    sandbox::wasm::Metering,
};

/// Builds an image unless it is built, which takes minutes for Python's. Whether it is there: without a network it
/// cannot be had, and nothing of its language is tested, which is said; it is a failure where all must be tested
/// (`PROOFBOX_TEST_COMPLETE`, which the whole check sets).
pub fn image(name: &str) -> bool {
    static BUILT: LazyLock<Mutex<HashMap<String, bool>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(is_there) = built.get(name) {
        return *is_there;
    }
    let languages = WasmLanguages::new(None, default_wasm_directory()).unwrap();
    // Not by `println!`, of which a test that passes shows nothing.
    let say = |doing: &str| drop(writeln!(std::io::stderr(), "{name}: {doing}"));
    let is_there = match build(&languages, name, &[Metering::Clock, Metering::Fuel], None, &say) {
        Ok(_) => true,
        Err(error @ BuildError::Unreachable { .. })
            if std::env::var_os("PROOFBOX_TEST_COMPLETE").is_none() =>
        {
            say(&format!("NOT TESTED: {name}, for the image cannot be had: {error}"));
            false
        }
        Err(error) => panic!("{error}"),
    };
    built.insert(name.to_owned(), is_there);
    is_there
}
