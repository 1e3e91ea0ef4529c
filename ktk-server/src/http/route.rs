//! Which path is answered by what. Paths are equal or not, those of objects by each of their
//! parts: nothing is matched by its beginning or end.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{self, Body};
use super::gate::Guest;
use super::refusal::Refusal;
use super::site::Site;
use super::{body, gate, logs, objects, query, standing, watch};
use crate::rpc::rights;

/// Answers one request. Nothing but [`gate::OPEN`] is told to whom the gate does not know.
pub(super) async fn answer(
    site: &Site,
    guest: &Guest,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (head, incoming) = request.into_parts();
    gate::check(guest, &head)?;
    if head.uri.path() == gate::OPEN && head.method == Method::GET {
        return Ok(answer::text("ok"));
    }
    let caller = gate::caller(site, guest, &head.headers).await?;
    let only = |allowed: Method, allow: &'static str| {
        if head.method == allowed { Ok(()) } else { Err(Refusal::method_not_allowed(allow)) }
    };
    match head.uri.path() {
        "/rpc" => {
            only(Method::POST, "POST")?;
            gate::check_content(&head.headers)?;
            let body = body::read(incoming, site.timeouts.body).await?;
            gate::check_age(&head.headers, site.backend.identity())?;
            // A call may be held for long: it ends with the token that it was made with.
            let ended = standing::of_token(site, &caller.by);
            let answer = tokio::select! {
                biased;
                answer = site.backend.router().handle(caller, &body) => answer,
                () = ended => return Err(standing::over().into()),
            };
            Ok(match answer {
                Some(answer) => answer::json(StatusCode::OK, answer),
                None => answer::nothing(),
            })
        }
        "/watch" => {
            only(Method::GET, "GET")?;
            rights::check(&caller.by, rights::WATCH)?;
            let params = query::read("Request /watch", &head.uri)?;
            let last_id = query::last_event_id(&head.headers)?;
            let ended = standing::of(site, &caller.by);
            Ok(answer::stream(standing::hold(watch::open(site, caller.by, params, last_id).await?, ended)))
        }
        "/logs" => {
            only(Method::GET, "GET")?;
            rights::check(&caller.by, rights::LOGS)?;
            let params = query::read("Request /logs", &head.uri)?;
            let last_id = query::last_event_id(&head.headers)?;
            let ended = standing::of(site, &caller.by);
            Ok(answer::stream(standing::hold(logs::open(site, caller.by, params, last_id).await?, ended)))
        }
        gate::OPEN => Err(Refusal::method_not_allowed("GET")),
        path => {
            let reading = objects::reading(path).ok_or_else(|| Refusal::not_found(path))?;
            only(Method::GET, "GET")?;
            objects::answer(site.backend.router(), caller, reading, &head.uri, &head.headers).await
        }
    }
}
