import Limits
package import SIP

/// How much the switch looks after; everything is zero at rest (README.md, invariant 16).
package struct SwitchLoad: Hashable, Sendable, CustomStringConvertible {
  package let calls: Int
  /// Calls of a dead process whose BYEs wait for an answer.
  package let orphans: Int
  /// Transactions, dialogs and media sessions that some call, trunk or orphan answers for.
  package let owned: Int
  /// Legs that wait for the disk.
  package let waiting: Int
  package let openHolds: Int
  package let channelsInUse: Int
  package let sip: SIPLoad

  package var isAtRest: Bool {
    calls == 0 && orphans == 0 && owned == 0 && waiting == 0 && openHolds == 0
      && channelsInUse == 0 && sip.clientTransactions == 0 && sip.serverTransactions == 0
      && sip.dialogs == 0
  }

  package var description: String {
    """
    \(calls) calls, \(orphans) orphans, \(owned) owned, \(waiting) waiting, \(openHolds) holds, \
    \(channelsInUse) channels, \(sip.clientTransactions) client and \(sip.serverTransactions) \
    server transactions, \(sip.dialogs) dialogs
    """
  }
}

extension SwitchCore {
  /// How much is going on.
  package var load: SwitchLoad {
    SwitchLoad(
      calls: calls.count, orphans: orphans.count,
      owned: owners.clients.count + owners.invites.count + owners.dialogs.count
        + owners.sessions.count, waiting: waiting.count, openHolds: ledger.openHolds.count,
      channelsInUse: trunks.values.reduce(0) { $0 + $1.channelsInUse }, sip: sip.load)
  }
}
