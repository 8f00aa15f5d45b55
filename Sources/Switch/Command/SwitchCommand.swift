package import Directory
package import Elements
package import Guard
package import Limits

/// Pairs a question with its answer; chosen by who asks.
package struct CommandToken: Hashable, Sendable {
  package let number: UInt64

  package init(_ number: UInt64) {
    self.number = number
  }
}

/// What an operator, or the server on an operator's behalf, asks of the switch.
package enum SwitchCommand: Sendable {
  /// Takes a new directory into force for the next call; running calls go on, but the paid ones of extensions that are no more
  /// end with their slices.
  case adopt(Rulebook)
  /// Takes no new calls; answers ``Publication/drained`` when the last has ended.
  case drain
  case undrain
  /// Ends every call now, with BYE on both sides.
  case hangUpAll
  case hangUp(CallID)
  /// Refuses paid calls until somebody unblocks; `by` and `reason` are in the alert.
  case block(LimitSubject, by: String, reason: String)
  /// Lets an account make paid calls again; `by` and `reason` go into the audit trail and the alert.
  /// After a theft nothing of it becomes a habit.
  case unblock(LimitSubject, by: String, reason: String, isTheft: Bool = false)
  /// Pays money in for a prepaid subject; a negative amount corrects. `reference` is the payment's.
  case deposit(Money, LimitSubject, reference: String, by: String)
  /// Takes the wall clock as it is after one that stood ahead; a person decides that.
  case acceptClock(by: String)
  /// Running calls, of one tenant or of all.
  case calls(TenantID?)
  case registrations(TenantID?)
  /// Who is there: phones and carriers, by their addresses.
  case attendance
  case trunks
  /// Where the limits of one payer stand.
  case limits(LimitSubject)
  /// What an account usually does with paid calls.
  case habits(AccountID)
  case status
  case bans(BanRequest)
}

/// What a person asks about bans.
package enum BanRequest: Sendable {
  /// All that are in force.
  case list
  /// Why an address is treated as it is.
  case explain(IPAddress)
  /// Bans a network; without a time until it is lifted.
  case add(IPNetwork, lasting: Duration?, reason: String, by: String)
  /// Lifts whatever ban the network is in, or has within it.
  case lift(IPNetwork, by: String)
  /// What may be dropped before it is read, as a firewall may have it.
  case barred
  /// What others say of sources has changed; answered with ``CommandReply/done``.
  case hear([ListChange])
}

/// The answer to one ``SwitchCommand``.
package enum CommandReply: Sendable {
  case done
  /// Not possible, and why, in words for the person who asked.
  case refused(String)
  case calls([CallSummary])
  case registrations([RegistrationSummary])
  case attendance([Presence])
  case trunks([TrunkSummary])
  case limits(Standing)
  /// Nil: it has made none yet.
  case habits(HabitStanding?)
  case status(SwitchStatus)
  case bans([Ban])
  case banExplained(BanExplanation)
  case barred([BarredNetwork])
}

/// A network from which nothing need be read; `until` nil: until somebody lifts it.
package struct BarredNetwork: Hashable, Sendable {
  package let network: IPNetwork
  package let until: WallTime?
}

/// A running call as an operator sees it.
package struct CallSummary: Hashable, Sendable {
  package let call: CallID
  package let tenant: TenantID?
  package let direction: CallDetailRecord.Direction
  /// "routing", "ringing", "talking" or "ending".
  package let state: String
  package let caller: String
  package let dialled: String
  package let startedAt: WallTime
  package let answeredAt: WallTime?
  package let payer: AccountID?
  package let trunk: TrunkID?
  /// What is reserved and spent on it so far.
  package let committed: Money?
}

/// One registered phone.
package struct RegistrationSummary: Hashable, Sendable {
  package let tenant: TenantID
  package let `extension`: ExtensionID
  package let contact: String
  /// "udp", "tcp" or "tls".
  package let transport: String
  package let remote: Endpoint
  package let userAgent: String
  package let registeredAt: WallTime
  package let expiresAt: WallTime
}

/// One trunk and how it is.
package struct TrunkSummary: Hashable, Sendable {
  package let trunk: TrunkID
  package let name: String
  /// "up", "down", "unknown" or "registering".
  package let state: String
  package let since: WallTime
  package let channels: Int
  package let channelsInUse: Int
  /// Addresses in the order in which they are asked.
  package let addresses: [Endpoint]
  /// Why it is not up, or will not be for long; empty when all is well.
  package let reason: String
}

/// Numbers about the whole switch, for `status` and for metrics.
package struct SwitchStatus: Hashable, Sendable {
  package var callsActive = 0
  package var callsTalking = 0
  package var callsTotal: UInt64 = 0
  package var callsAnswered: UInt64 = 0
  package var callsRefusedByLimit: UInt64 = 0
  package var registrations = 0
  /// Requests, ours and others', of which something is kept for a while.
  package var transactions = 0
  package var registerRequests: UInt64 = 0
  package var authenticationFailures: UInt64 = 0
  package var trunksUp = 0
  package var trunksDown = 0
  package var journalSequence: UInt64 = 0
  package var journalDurableThrough: UInt64 = 0
  package var journalFailed = false
  package var callsPoisoned: UInt64 = 0
  package var draining = false
  /// Messages that were not looked at: their source is banned, or asks too often.
  package var droppedBanned: UInt64 = 0
  package var droppedOverBudget: UInt64 = 0
  /// Bans in force, and all since the start.
  package var bans = 0
  package var bansTotal: UInt64 = 0
  /// Networks that are banned for what others say of them.
  package var listed = 0
  /// Calls that were refused because their account begins too many at once.
  package var callsOverRate: UInt64 = 0
  /// Accounts, tenants and trunks whose paid calls are refused until somebody unblocks them.
  package var blocked = 0

  package init() {}
}
