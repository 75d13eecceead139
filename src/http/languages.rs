//! `GET /v1/languages`: what can run here.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::service::Service;
use crate::{language::Language, sandbox::Tier};

#[derive(Serialize)]
pub struct LanguageList {
    languages: Vec<LanguageEntry>,
}

#[derive(Serialize)]
struct LanguageEntry {
    name: String,
    /// Version of the interpreter or compiler, such as `3.11.2`; for modules, the interface that they use.
    version: String,
    /// `native` or `wasm`.
    runtime: &'static str,
}

pub async fn languages(State(service): State<Arc<Service>>) -> Json<LanguageList> {
    let entry = |language: &Language| LanguageEntry {
        name: language.name().to_owned(),
        version: language.version().to_owned(),
        runtime: "native",
    };
    let engine = &service.engine;
    // Compiled languages need native cells for the compiler, even if they run in WebAssembly.
    let has_native = engine.sandbox().tier() != Tier::Wasm;
    let offered = engine.languages().wasm().offers().into_iter();
    let offered = offered.filter(|offer| offer.is_built && (has_native || !offer.is_compiled));
    let in_wasm = offered.map(|offer| LanguageEntry {
        name: offer.language.to_owned(),
        version: offer.version.to_owned(),
        runtime: "wasm",
    });
    let native = service.engine.languages().iter().map(entry);
    Json(LanguageList { languages: native.chain(in_wasm).collect() })
}
