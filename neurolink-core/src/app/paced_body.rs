//! A request's body for what reads it piece by piece and keeps some of it.

use std::sync::{Arc, Mutex};

use super::Context;
use crate::http::{Fault, SharedReservation};
use crate::{Body, Error};

impl Context {
    /// Takes the body as it comes: in time, within its limit and out of its coding; and what notes a fault of it, and
    /// what takes of the budget until the request is answered.
    pub(crate) fn take_paced(&mut self) -> Result<(Body, Fault, SharedReservation), Error> {
        let coding = self.take_coding()?;
        let source = self.body_source(1)?;
        let fault = Fault::default();
        self.fault = Some(fault.clone().within(self.fault.take()));
        let held = SharedReservation(Arc::new(Mutex::new(source.budget.reserve())));
        self.insert(held.clone());
        Ok((source.into_body(coding, &fault), fault, held))
    }
}
