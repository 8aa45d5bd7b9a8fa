use std::marker::PhantomData;

use super::{FromContext, Needs};
use crate::{BoxFuture, Context, Error, IntoReply, Reply};

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
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Result<Reply, Error>>;

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
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Result<Reply, Error>> {
        let future = ContextFn::call(self, ctx);
        Box::pin(async move { future.await.into_reply() })
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
            fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Result<Reply, Error>> {
                Box::pin(async move {
                    $(let $argument = $argument::from_context(ctx).await?;)*
                    self($($argument,)*).await.into_reply()
                })
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

/// A handler without its marker.
pub(crate) trait ErasedHandler: Send + Sync {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Result<Reply, Error>>;
    fn needs(&self) -> Needs;
}

struct Erased<H, M>(H, PhantomData<fn() -> M>);

impl<H: Handler<M>, M: 'static> ErasedHandler for Erased<H, M> {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Result<Reply, Error>> {
        self.0.call(ctx)
    }

    fn needs(&self) -> Needs {
        self.0.needs()
    }
}

impl dyn ErasedHandler {
    pub(crate) fn new<H: Handler<M>, M: 'static>(handler: H) -> Box<dyn ErasedHandler> {
        Box::new(Erased(handler, PhantomData))
    }
}
