//! Any sequence of operations gives the same as on the memory store.

use proptest::prelude::*;

use super::empty;
use crate::store::conformance::law::{operations, same_as_memory};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_as_in_memory(operations in operations()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (store, _dir) = empty();
        runtime.block_on(same_as_memory(store, operations));
    }
}
