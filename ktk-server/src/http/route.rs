//! Which path is answered by what. Paths are equal or not, those of objects by each of their
//! parts: nothing is matched by its beginning or end.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{self, Body};
use super::refusal::Refusal;
use super::site::Site;
use super::{body, gate, logs, objects, query, watch};
use crate::rpc::Caller;

/// Answers one request. `caller` is nobody where the other end may not be here.
pub(super) async fn answer(
    site: &Site,
    caller: Option<Caller>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (head, incoming) = request.into_parts();
    let Some(caller) = caller else {
        return Err(Refusal::forbidden("this server answers its own user and root only").closing());
    };
    gate::check(&head)?;
    let caller = match gate::token(&head.headers)? {
        Some(token) => Caller { by: site.backend.identify(token).await?, ..caller },
        None => caller,
    };
    let only = |allowed: Method, allow: &'static str| {
        if head.method == allowed { Ok(()) } else { Err(Refusal::method_not_allowed(allow)) }
    };
    match head.uri.path() {
        "/rpc" => {
            only(Method::POST, "POST")?;
            gate::check_content(&head.headers)?;
            let body = body::read(incoming, site.timeouts.body).await?;
            gate::check_age(&head.headers, site.backend.identity())?;
            Ok(match site.backend.router().handle(caller, &body).await {
                Some(answer) => answer::json(StatusCode::OK, answer),
                None => answer::nothing(),
            })
        }
        "/watch" => {
            only(Method::GET, "GET")?;
            let params = query::read("Request /watch", &head.uri)?;
            let last_id = query::last_event_id(&head.headers)?;
            Ok(answer::stream(watch::open(site, caller.by, params, last_id).await?))
        }
        "/logs" => {
            only(Method::GET, "GET")?;
            let params = query::read("Request /logs", &head.uri)?;
            let last_id = query::last_event_id(&head.headers)?;
            Ok(answer::stream(logs::open(site, caller.by, params, last_id).await?))
        }
        "/healthz" => {
            only(Method::GET, "GET")?;
            Ok(answer::text("ok"))
        }
        path => {
            let reading = objects::reading(path).ok_or_else(|| Refusal::not_found(path))?;
            only(Method::GET, "GET")?;
            objects::answer(site.backend.router(), caller, reading, &head.uri, &head.headers).await
        }
    }
}
