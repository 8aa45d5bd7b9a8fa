use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::rules::{Cors, Denied, Origins};
use crate::stack::order;
use crate::{Body, Code, Context, Error, Hook, Response};

const TRUE: HeaderValue = HeaderValue::from_static("true");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

impl Cors {
    fn preflight(&self, ctx: &mut Context) -> Response {
        let Some(origin) = self.allowed_origin(ctx.headers()) else {
            return match self.denied {
                Denied::Omit => self.empty(),
                Denied::Forbid => self.forbidden(ctx),
            };
        };
        let mut response = self.empty();
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        self.tell(headers);
        if let Some(value) = &self.built.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, value.clone());
        }
        response
    }

    /// What may be sent.
    fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in
            [(ACCESS_CONTROL_ALLOW_METHODS, &self.built.methods), (ACCESS_CONTROL_ALLOW_HEADERS, &self.built.headers)]
        {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }

    fn empty(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.preflight_status;
        if self.varies() {
            response.headers_mut().insert(VARY, VARY_PREFLIGHT);
        }
        if self.announce {
            self.tell(response.headers_mut());
        }
        response
    }

    /// `after` does not run behind an early answer.
    fn forbidden(&self, ctx: &mut Context) -> Response {
        let mut response = ctx.fail(Error::new(Code::Forbidden).with_message("This origin is not allowed"));
        // Another origin would be answered otherwise.
        response.headers_mut().insert(VARY, VARY_PREFLIGHT);
        if self.announce {
            self.tell(response.headers_mut());
        }
        response
    }
}

fn is_preflight(ctx: &Context) -> bool {
    ctx.method() == Method::OPTIONS
        && ctx.headers().contains_key(ORIGIN)
        && ctx.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Adds `Origin` to `Vary`, unless it is there or everything is.
fn vary_by_origin(headers: &mut HeaderMap) {
    let varies = headers.get_all(VARY).iter().any(|line| {
        line.to_str().is_ok_and(|line| {
            line.split(',').map(str::trim).any(|name| name == "*" || name.eq_ignore_ascii_case("origin"))
        })
    });
    if !varies {
        headers.append(VARY, VARY_ORIGIN);
    }
}

impl Hook for Cors {
    fn name(&self) -> &str {
        "cors"
    }

    fn order(&self) -> i16 {
        order::CORS
    }

    fn summary(&self) -> String {
        let origins = match &self.origins {
            Origins::Any => "any origin".to_owned(),
            Origins::List(origins) => origins.join(", "),
            Origins::Predicate(_) => "origins by a function".to_owned(),
        };
        if self.credentials { format!("{origins}; with credentials") } else { origins }
    }

    fn problems(&self) -> Vec<String> {
        self.built.problems.clone()
    }

    fn trusts_origin(&self, origin: &str) -> bool {
        self.allows(origin)
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        if is_preflight(ctx) {
            return Some(self.preflight(ctx));
        }
        let denied = self.denied == Denied::Forbid
            && ctx.headers().contains_key(ORIGIN)
            && self.allowed_origin(ctx.headers()).is_none();
        denied.then(|| self.forbidden(ctx))
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        let headers = response.headers_mut();
        // What a handler wrote about this does not count.
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        if self.announce {
            self.tell(headers);
        }
        if self.varies() {
            vary_by_origin(headers);
        }
        let Some(origin) = self.allowed_origin(ctx.headers()) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if let Some(expose) = &self.built.expose {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_extended_and_not_repeated() {
        let vary = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(VARY, HeaderValue::from_static(line));
            }
            vary_by_origin(&mut headers);
            headers.get_all(VARY).iter().count()
        };
        assert_eq!((vary(&[]), vary(&["accept"]), vary(&["accept, Origin"]), vary(&["*"])), (1, 2, 1, 1));
    }
}
