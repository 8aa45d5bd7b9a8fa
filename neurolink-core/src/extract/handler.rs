use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use super::{FromContext, Needs};
use crate::stack::panicked;
use crate::{BoxFuture, Context, Error, IntoReply, Reply, Response};

/// An async function that answers requests: its arguments implement [`FromContext`], the one that takes the body last,
/// or it takes one `&mut Context`.
///
/// `M` only tells the kinds of function apart; the compiler finds it.
///
/// ```
/// use neurolink_core::{Context, Json, Path, Route};
///
/// async fn greet(Path(name): Path<String>) -> String { format!("hello {name}") }
/// async fn raw(ctx: &mut Context) -> String { ctx.path().to_owned() }
///
/// let routes = [Route::get("/api/greet/{name}", greet), Route::get("/api/raw", raw)];
/// ```
pub trait Handler<M>: Send + Sync + 'static {
    /// Calls it.
    fn call(&self, ctx: &mut Context) -> impl Future<Output = Result<Reply, Error>> + Send;

    /// What its arguments need.
    fn needs(&self) -> Needs;
}

/// An `async fn(&mut Context) -> impl IntoReply`.
pub trait ContextFn<'a>: Send + Sync + 'static {
    /// What it returns.
    type Future: Future<Output = Self::Output> + Send + 'a;
    /// What that gives.
    type Output: IntoReply;

    /// Calls it.
    fn call(&self, ctx: &'a mut Context) -> Self::Future;
}

impl<'a, F, Fut, R> ContextFn<'a> for F
where
    F: Fn(&'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'a,
    R: IntoReply,
{
    type Future = Fut;
    type Output = R;

    fn call(&self, ctx: &'a mut Context) -> Fut {
        self(ctx)
    }
}

/// Marks handlers that take the context itself.
#[derive(Debug)]
pub struct ByContext;

impl<F> Handler<ByContext> for F
where
    F: for<'a> ContextFn<'a>,
{
    fn call(&self, ctx: &mut Context) -> impl Future<Output = Result<Reply, Error>> + Send {
        let future = ContextFn::call(self, ctx);
        async move { future.await.into_reply() }
    }

    fn needs(&self) -> Needs {
        Needs { context: true, ..Needs::default() }
    }
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<F, Fut, R, $($argument,)*> Handler<(($($argument,)*), R)> for F
        where
            F: Fn($($argument,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send,
            R: IntoReply + Send,
            $($argument: FromContext,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "one name for the type and its value; no argument, no use")]
            async fn call(&self, ctx: &mut Context) -> Result<Reply, Error> {
                $(let $argument = $argument::from_context(ctx).await?;)*
                self($($argument,)*).await.into_reply()
            }

            #[allow(unused_mut, reason = "a handler of no arguments needs nothing")]
            fn needs(&self) -> Needs {
                let mut needs = Needs::default();
                $(needs.argument::<$argument>();)*
                needs
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
handlers!(A B C D E G H);
handlers!(A B C D E G H I);

/// A handler without its type, with all that stands around it; one future for everything.
pub(crate) trait ErasedHandler: Send + Sync {
    fn answer<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response>;
    fn needs(&self) -> &Needs;
}

struct Erased<H, M> {
    handler: H,
    needs: Needs,
    marker: PhantomData<fn() -> M>,
}

impl<H: Handler<M>, M: 'static> ErasedHandler for Erased<H, M> {
    fn answer<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let answer = async {
                ctx.admit(&self.needs).await?;
                let reply = self.handler.call(ctx).await;
                ctx.respond(reply)
            };
            match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => error.into(),
                Err(panic) => panicked(&*panic).into(),
            }
        })
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }
}

impl dyn ErasedHandler {
    pub(crate) fn new<H: Handler<M>, M: 'static>(handler: H) -> Box<dyn ErasedHandler> {
        Box::new(Erased { needs: handler.needs(), handler, marker: PhantomData })
    }
}
