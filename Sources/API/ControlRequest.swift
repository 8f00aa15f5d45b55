/// What a command asks of the running server through its control socket: one JSON object on one line.
///
/// The socket is `DIR/control.sock`, readable by the server's own user only; whoever can open it is an
/// operator. Every request that changes something names the person who asked, for the audit trail.
package enum ControlRequest: Codable, Sendable {
  case status
  case calls
  case registrations
  case trunks
  /// The standing of one subject and, of a tenant, of its accounts; without a target of all there are.
  case limits(of: LimitTarget?)
  /// Refuses paid calls until somebody unblocks.
  case block(LimitTarget, reason: String, by: String)
  /// Lets paid calls out again after a block; what a thief did teaches the habits nothing.
  case unblock(LimitTarget, isTheft: Bool, reason: String, by: String)
  /// Replaces what the change names.
  case setLimits(of: LimitTarget, change: LimitChange, by: String)
  /// Pays money in for a prepaid extension or tenant, or takes it back: units of its currency, "12.50".
  case deposit(
    tenant: String, extension: String?, amount: String, reference: String, takesBack: Bool,
    by: String)
  /// Takes the wall clock as it is, after one that stood ahead.
  case acceptClock(by: String)
  /// Adopts a configuration; `files` are the rate files that the document names, by name. Where it would lock out who
  /// is there now, only if it `locksOut`.
  case apply(
    document: String, file: String, files: [String: String], locksOut: Bool, by: String)
  /// The configuration in force, with its rate files where they are wanted.
  case export(withRates: Bool)
  /// What was changed and by whom, newest first; without a tenant of all and of the platform.
  case changes(tenant: String?, limit: Int)
  /// Whether the audit trail is as it was written.
  case auditTrail
  /// What is weak in the configuration; `words` are tried as passwords besides our own.
  case weaknesses(words: [String])
  /// How it is with the files that say which country an address is in; without any no finding.
  case countries
  /// Call records, newest first.
  case records(tenant: String?, extension: String?, limit: Int)
  /// Who is banned.
  case bans
  /// Why an address is treated as it is.
  case explainBan(address: String)
  /// Bans a network; without seconds until somebody lifts it.
  case ban(network: String, seconds: Int64?, reason: String, by: String)
  /// Lifts what a network is banned by, and what within it is banned.
  case liftBan(network: String, by: String)
  /// What may be dropped by a firewall.
  case barred
  /// What peers and files list.
  case listings
  /// How it is with the peers' lists.
  case peers
  /// What our own list is known by.
  case listIdentity
  /// Bans what a list has, in place of what was read in before under that name; `file` is for messages.
  case importList(text: String, file: String, name: String, seconds: Int64, by: String)
  /// Drops all that a peer has said, and hears its list from the beginning.
  case forgetPeer(name: String, by: String)
  /// Ends one call, by its number.
  case hangUp(call: UInt64, by: String)
}

/// How the server answers: the rows asked for, or a sentence that says what is wrong.
package enum ControlReply: Codable, Sendable {
  case status(StatusReport)
  case calls([CallReport])
  case registrations([RegistrationReport])
  case trunks([TrunkReport])
  case limits([LimitReport])
  case applied(ApplyReport)
  /// Nothing was applied, because of those.
  case wouldLockOut([LockOutReport])
  case records([RecordReport])
  case changes([ChangeReport])
  case bans([BanReport])
  case banExplained(BanExplanationReport)
  case barred([BarredReport])
  case listings([ListingReport])
  case peers([PeerReport])
  case listIdentity(IdentityReport)
  case exported(ExportReport)
  case weaknesses(AuditedStoreReport)
  case finding(FindingReport)
  case findings([FindingReport])
  /// It was done; the text says what.
  case done(String)
  /// It was not done; the text says why and what to do.
  case failed(String)
}
