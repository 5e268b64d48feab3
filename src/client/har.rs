//! Exchanges as a HAR 1.2 document, which browsers' developer tools and HTTP debuggers open.
//!
//! HAR comes from the journal, so what is masked there is masked here. What the journal does not keep is said in
//! HAR's own way: sizes of heads are -1, phases of the exchange that were not measured are 0.

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{About, Body, Exchange, Outcome, RequestRecord, ResponseRecord};

/// The version of the format that [`har`] writes.
pub const HAR_VERSION: &str = "1.2";

/// HAR's word for a size that is not known.
const SIZE_UNKNOWN: i64 = -1;

/// What stands for the media type of a body that came without one.
const MEDIA_TYPE_UNKNOWN: &str = "x-unknown";

/// The document, one entry for each exchange in their order; pure and deterministic.
///
/// An exchange without an answer has status 0 and the reason as the response's `comment`. An entry's `comment` says
/// which cycle, object and effect it belongs to.
pub fn har<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Value {
    let entries: Vec<Value> = exchanges.into_iter().map(entry).collect();
    json!({
        "log": {
            "version": HAR_VERSION,
            "creator": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
            "entries": entries,
        }
    })
}

fn entry(exchange: &Exchange) -> Value {
    json!({
        "startedDateTime": exchange.about.started.to_string(),
        "time": exchange.duration_ms,
        "request": request(&exchange.request),
        "response": response(&exchange.outcome),
        "cache": {},
        "timings": { "send": 0, "wait": exchange.duration_ms, "receive": 0 },
        "comment": comment(&exchange.about),
    })
}

fn comment(about: &About) -> String {
    let cycle = about.cycle.map(|cycle| format!("cycle {cycle}"));
    let object = about.object.as_ref().map(|object| format!("{} {}", object.kind, object.label));
    let parts = [cycle, object, Some(format!("effect {}", about.effect))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn request(request: &RequestRecord) -> Value {
    let without_fragment = request.url.split('#').next().unwrap_or_default();
    let query = without_fragment.split_once('?').map_or("", |(_, query)| query);
    let query: Vec<Value> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let mut har = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": query,
    });
    if let Some(body) = &request.body {
        let mut data = json!({ "mimeType": media_type(&request.headers), "params": [], "text": text(body) });
        mark_cut(&mut data, body, request.body_bytes);
        insert(&mut har, "postData", data);
    }
    insert(&mut har, "headersSize", SIZE_UNKNOWN.into());
    insert(&mut har, "bodySize", request.body_bytes.into());
    har
}

fn response(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Response(response) => answer(response),
        Outcome::Error(error) => json!({
            "status": 0,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": { "size": 0, "mimeType": MEDIA_TYPE_UNKNOWN },
            "redirectURL": "",
            "headersSize": SIZE_UNKNOWN,
            "bodySize": SIZE_UNKNOWN,
            "comment": format!("{}: {}", error.kind, error.message),
        }),
    }
}

fn answer(response: &ResponseRecord) -> Value {
    let reason = StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let mut content = json!({ "size": response.body_bytes, "mimeType": media_type(&response.headers) });
    if let Some(body) = &response.body {
        insert(&mut content, "text", text(body).into());
        mark_cut(&mut content, body, response.body_bytes);
    }
    json!({
        "status": response.status,
        "statusText": reason.unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&response.headers),
        "content": content,
        "redirectURL": header(&response.headers, "location").unwrap_or_default(),
        "headersSize": SIZE_UNKNOWN,
        "bodySize": response.body_bytes,
    })
}

fn headers(headers: &[(String, String)]) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn media_type(headers: &[(String, String)]) -> &str {
    header(headers, "content-type").unwrap_or(MEDIA_TYPE_UNKNOWN)
}

fn text(body: &Body) -> String {
    match body {
        Body::Json(value) => value.to_string(),
        Body::Text(text) | Body::Cut(text) => text.clone(),
    }
}

fn mark_cut(part: &mut Value, body: &Body, bytes: u64) {
    match body {
        Body::Cut(_) => insert(part, "comment", format!("cut; {bytes} bytes in all").into()),
        Body::Json(_) | Body::Text(_) => {}
    }
}

/// Adds a member to an object made here.
fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
