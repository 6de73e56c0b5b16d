//! Replacing a file in one step.

#[cfg(unix)]
mod attributes;
#[cfg(unix)]
mod place;
#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod temporary;

use std::fmt;

#[cfg(not(unix))]
pub(super) use portable::Temporary;
#[cfg(unix)]
pub(super) use temporary::Temporary;

/// Options of [`fs::replace`](super::replace).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// use highwater_core::Readable;
/// use highwater_io::fs::ReplaceOptions;
/// # let path = tempfile::tempdir()?.keep().join("out");
/// let mut file = ReplaceOptions::new().with_follow_links(false).replace(&path);
/// Readable::once("new").pipe_to(&mut file).run().await?;
/// assert!(file.not_kept().is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ReplaceOptions {
    follow: bool,
    extended: bool,
    create_new: bool,
    #[cfg(unix)]
    owner: Option<attributes::Owner>,
    #[cfg(unix)]
    mode: Option<rustix::fs::Mode>,
}

impl ReplaceOptions {
    /// Links are followed; owner, group and mode are those of the old file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            follow: true,
            extended: false,
            create_new: false,
            #[cfg(unix)]
            owner: None,
            #[cfg(unix)]
            mode: None,
        }
    }

    /// Whether a symbolic link at the path is followed (by default) or refused.
    #[must_use]
    pub fn with_follow_links(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Copies the extended attributes `user.*` of the old file, on Linux. By default they are lost.
    #[must_use]
    pub fn keep_extended_attributes(mut self) -> Self {
        self.extended = true;
        self
    }

    /// Fails with `AlreadyExists` if there is a file at the path, at the start or when the new file takes its place.
    #[must_use]
    pub fn create_new(mut self) -> Self {
        self.create_new = true;
        self
    }

    /// The mode of the file, for example `0o640`, whatever the umask and the old file say. Until the file is complete,
    /// only its owner can read it.
    #[cfg(unix)]
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = Some(attributes::mode(mode));
        self
    }

    /// Takes owner, group and mode from `about` instead of the old file. The same rules hold for what cannot be kept.
    #[cfg(unix)]
    #[must_use]
    pub fn like(mut self, about: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        self.owner = Some(attributes::Owner { user: about.uid(), group: about.gid() });
        self.with_mode(about.mode())
    }
}

impl Default for ReplaceOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A property of the old file that the new one may not have: [`FileWrite::not_kept`](super::FileWrite::not_kept).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// The user who owns it: only root can give a file away.
    Owner,
    /// The group: only root can set one that the process is not in. The new group has no right that others do not have.
    Group,
    /// The set-user-ID, set-group-ID or sticky bit, because the owner or the group was not kept.
    SpecialBits,
    /// The access control list. The group has no right that others do not have.
    AccessList,
    /// Extended attributes, although they were asked for.
    Extended,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Group => "group",
            Self::SpecialBits => "special mode bits",
            Self::AccessList => "access control list",
            Self::Extended => "extended attributes",
        })
    }
}
