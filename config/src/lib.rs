//! What was asked: typed settings of the bus.
