//! `Debug` of types that hold user code.

/// `Debug` for a type that holds user code, which may not be `Debug`: its name, and these fields.
#[doc(hidden)]
#[macro_export]
macro_rules! debug_fields {
    ($name:ident $(<$($parameter:tt $(: $bound:path)?),+>)? $(, $field:ident)*) => {
        impl $(<$($parameter $(: $bound)?),+>)? ::std::fmt::Debug for $name $(<$($parameter),+>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}
