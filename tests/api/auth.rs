//! `auth.*`: what a caller may ask of itself. What tokens may is with the tokens.

use ktk_client::{Client, api::token::Role};

use crate::on_both_stores;

on_both_stores!(the_user_of_the_socket_may_everything);

async fn the_user_of_the_socket_may_everything(client: Client) {
    let whois = client.auth().whoami().await.unwrap();
    assert_eq!((whois.role, whois.namespaces.len(), whois.expires_at), (Role::Admin, 0, None));
    assert!(whois.name.starts_with("uid:"));
    for method in ["token.create", "server.stop", "worker.sync", "/watch"] {
        assert!(client.auth().can(method, Some("any")).await.unwrap().allowed, "{method}");
    }
}
