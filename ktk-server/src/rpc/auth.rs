//! `auth.*`: what a caller may ask of itself.

use ktk_client::api::{
    auth::{Can, Verdict, Whoami, Whois},
    token::Role,
};

use super::{RouterBuilder, rights};
use crate::engine::operation::By;

/// Registers the methods.
pub fn register(router: RouterBuilder) -> RouterBuilder {
    let router = router.method::<Whoami, _, _>(|caller, _params| async move { Ok(whois(&caller.by)) });
    router.method::<Can, _, _>(|caller, params| async move {
        let refusal = rights::may(&caller.by, &params.method, params.namespace.as_deref())?.err();
        Ok(Verdict { allowed: refusal.is_none(), reason: refusal.map(|refusal| refusal.message) })
    })
}

fn whois(by: &By) -> Whois {
    let namespaces = match (by.role, by.namespaces(), &by.scope) {
        (Role::Attempt, _, Some(scope)) => vec![scope.namespace.clone()],
        (_, Some(own), _) => own.iter().cloned().collect(),
        _ => Vec::new(),
    };
    Whois {
        name: by.name.clone(),
        role: by.role,
        namespaces,
        expires_at: by.token.as_ref().and_then(|token| token.expires_at),
    }
}
