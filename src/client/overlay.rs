//! A target that is read but never written: what `plan` works against. Reads go to the real target; writes are
//! answered here as a target that agrees with everything would, and change nothing.

use serde_json::{Map, Value, json};

use crate::http::{Method, Request, Response};

/// The answer to a write, as if it had succeeded; `None` for a read. What a create would make gets the id
/// `{new:<label>}`, so that later requests can be read (design 9).
pub fn answer(request: &Request, label: Option<&str>) -> Option<Response> {
    let (status, body) = match request.method {
        Method::Get => return None,
        Method::Post => (201, created(request, label).to_string().into_bytes()),
        Method::Put | Method::Patch | Method::Delete => (204, Vec::new()),
    };
    Some(Response { status, headers: Vec::new(), body })
}

fn created(request: &Request, label: Option<&str>) -> Value {
    let body: Value =
        request.body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let mut resource = if let Value::Object(members) = body { members } else { Map::new() };
    resource.insert("id".to_owned(), json!(format!("{{new:{}}}", label.unwrap_or_default())));
    Value::Object(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, body: Option<&str>) -> Request {
        Request {
            method,
            url: "http://127.0.0.1/Users".to_owned(),
            headers: Vec::new(),
            body: body.map(|body| body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn reads_pass_through_and_writes_do_not() {
        assert_eq!(answer(&request(Method::Get, None), None), None);
        for method in [Method::Patch, Method::Delete, Method::Put] {
            assert_eq!(answer(&request(method, Some("{}")), None).unwrap().status, 204, "{method}");
        }
    }

    #[test]
    fn what_would_be_created_is_named_after_the_source_object() {
        let answer = answer(&request(Method::Post, Some(r#"{"userName":"a@b.c"}"#)), Some("a@b.c")).unwrap();
        assert_eq!(answer.status, 201);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, json!({ "userName": "a@b.c", "id": "{new:a@b.c}" }));
    }
}
