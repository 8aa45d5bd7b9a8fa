//! neurolink on actix-web
