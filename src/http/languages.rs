//! `GET /v1/languages`: what can run here.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::Service;
use crate::language::Language;

#[derive(Serialize)]
pub struct LanguageList {
    languages: Vec<LanguageEntry>,
}

#[derive(Serialize)]
struct LanguageEntry {
    name: String,
    /// Of the interpreter or compiler, such as `3.11.2`.
    version: String,
}

pub async fn languages(State(service): State<Arc<Service>>) -> Json<LanguageList> {
    let entry = |language: &Language| LanguageEntry {
        name: language.name().to_owned(),
        version: language.version().to_owned(),
    };
    Json(LanguageList { languages: service.engine.languages().iter().map(entry).collect() })
}
