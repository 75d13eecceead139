//! `GET /v1/languages`: what can run here.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::Service;

#[derive(Serialize)]
pub struct LanguageList {
    languages: Vec<LanguageEntry>,
}

#[derive(Serialize)]
struct LanguageEntry {
    name: String,
    version: Option<String>,
}

pub async fn languages(State(service): State<Arc<Service>>) -> Json<LanguageList> {
    let entry = |language: &crate::language::Language| LanguageEntry {
        name: language.name.clone(),
        version: language.version.clone(),
    };
    Json(LanguageList { languages: service.engine.languages().iter().map(entry).collect() })
}
