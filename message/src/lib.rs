//! What flows on the bus: topics, envelopes, lossless JSON.
