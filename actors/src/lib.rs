//! What runs: subscriber, router, consumer and producer hosts, supervisor.
