//! Who may use the control socket: root, the daemon's own user, and members of the socket's group.
//!
//! The system has looked at the socket's mode (0660) already when a client connects. This is the second look, at
//! the client itself: it still holds where somebody has changed the mode.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;

use control::{ErrorCode, Failure};
use rustix::process::{getegid, geteuid, getgroups};
use transport::unix::{PeerCredentials, peer_credentials};

/// The group whose members may use the socket, if the machine has it.
const GROUP: &str = "cloister";

/// The group to give the socket to; `None` to leave it to the process's own.
pub(super) fn socket_group() -> Option<u32> {
    let group = group_id(&fs::read_to_string("/etc/group").unwrap_or_default(), GROUP)?;
    let member = getegid().as_raw() == group
        || getgroups().is_ok_and(|groups| groups.iter().any(|own| own.as_raw() == group));
    if geteuid().is_root() || member {
        return Some(group);
    }
    tracing::warn!("this user is not in the group {GROUP}, so the control socket keeps the user's own group");
    None
}

/// Checks the client at the other end.
pub(super) fn check(stream: &UnixStream, group: u32) -> Result<(), Failure> {
    let refused = |message: String| {
        Failure::new(ErrorCode::Refused, message).with_hint(
            "the control socket is for root, the daemon's user and the members of the socket's group",
        )
    };
    let client = peer_credentials(stream)
        .map_err(|error| refused(format!("the control socket does not say who connects: {error}")))?;
    if client.uid == 0 || client.uid == geteuid().as_raw() || client.gid == group {
        return Ok(());
    }
    let member = match fs::read_to_string(format!("/proc/{}/status", client.pid)) {
        Ok(status) => groups_of(&status).is_some_and(|groups| groups.contains(&group)),
        // The service's sandbox hides the processes of other users.
        Err(_) => listed(&client, group).map_err(|error| refused(format!("the lists of users: {error}")))?,
    };
    if member {
        return Ok(());
    }
    Err(refused(format!("user {} is not a member of the control socket's group {group}", client.uid)))
}

/// The supplementary groups in a process's status.
fn groups_of(status: &str) -> Option<Vec<u32>> {
    let line = status.lines().find_map(|line| line.strip_prefix("Groups:"))?;
    line.split_whitespace().map(|group| group.parse().ok()).collect()
}

/// Whether the machine's own lists make the client's user a member. A user who does not stand in them, but in a
/// directory service that only the system itself can ask, has passed its look at the mode and is taken for one.
fn listed(client: &PeerCredentials, group: u32) -> io::Result<bool> {
    let users = fs::read_to_string("/etc/passwd")?;
    let Some((user, primary)) = user(&users, client.uid) else { return Ok(true) };
    Ok(primary == group || members(&fs::read_to_string("/etc/group")?, group).any(|member| member == user))
}

/// Name and primary group of a user.
fn user(users: &str, uid: u32) -> Option<(&str, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number, group) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid)).then_some((name, group.parse().ok()?))
    })
}

/// Number of a group.
fn group_id(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

/// The members of a group.
fn members(groups: &str, group: u32) -> impl Iterator<Item = &str> {
    groups
        .lines()
        .filter_map(move |line| {
            let mut fields = line.split(':').skip(2);
            (fields.next()?.parse() == Ok(group)).then_some(fields.next()?)
        })
        .flat_map(|members| members.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ncloister:x:990:ann,bob\nother:x:99:bob\nempty:x:5:\n";
    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";

    #[test]
    fn the_lists_are_read() {
        assert_eq!(group_id(GROUPS, "cloister"), Some(990));
        assert_eq!(group_id(GROUPS, "cloist"), None);
        assert_eq!(members(GROUPS, 990).collect::<Vec<_>>(), ["ann", "bob"]);
        assert!(!members(GROUPS, 99).any(|member| member == "ann"));
        assert_eq!(user(USERS, 1000), Some(("ann", 1000)));
        assert_eq!(user(USERS, 1), None);
    }

    #[test]
    fn the_groups_of_a_process_are_read() {
        let own = fs::read_to_string("/proc/self/status").unwrap();
        let mut groups = groups_of(&own).unwrap();
        let mut truth: Vec<u32> = getgroups().unwrap().iter().map(|group| group.as_raw()).collect();
        groups.sort_unstable();
        truth.sort_unstable();
        assert_eq!(groups, truth);
        assert_eq!(groups_of("Name:\tx\n"), None);
        assert_eq!(groups_of("Groups:\t4 x\n"), None);
    }

    #[test]
    fn this_very_process_may() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        assert!(check(&ours, u32::MAX).is_ok());
    }
}
