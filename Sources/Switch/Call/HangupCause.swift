/// Why a call ended or never came about: exactly one for each call, written into its record.
///
/// The raw names are stored and shown to people and programs; never change one.
package enum HangupCause: String, Hashable, Sendable, CaseIterable {
  /// Answered, and ended by one of the parties.
  case normal
  /// The caller gave up before anybody answered.
  case cancelled
  case busy
  case noAnswer
  /// The extension exists and no device of it is registered.
  case notRegistered
  /// The called party refused.
  case declined
  /// No such extension, number or domain.
  case unknownNumber
  /// The digits cannot be a number.
  case invalidNumber
  /// The destination is closed for this account, or the caller may not do this.
  case forbidden
  /// A limit in the ledger refused the call before it was made.
  case limitReached
  /// A limit ended the running call when its paid slice was used up.
  case cutAtLimit
  /// No price is known for the destination, so no carrier was asked.
  case unknownRate
  /// Every channel of the trunks is taken.
  case noChannel
  /// No trunk could carry the call.
  case trunkFailure
  /// The other side failed or gave an answer that says no more.
  case failure
  /// The two sides have no codec or feature in common.
  case incompatible
  /// More hops or forwards than a call may have.
  case loop
  /// The journal could not be written, so nothing that costs money may start.
  case journalUnavailable
  /// No media port could be opened.
  case mediaUnavailable
  /// Media stopped on both sides; the call had died.
  case mediaSilent
  /// The session timer ran out: the other side no longer refreshed the session.
  case sessionExpired
  /// Somebody did not acknowledge the answer.
  case unacknowledged
  /// The longest a call may ring or play early media was reached.
  case unansweredTooLong
  /// The server drains and takes no new call, or ended the call at last.
  case draining
  /// Ended by an operator.
  case operatorAction
  /// Found open after a restart of the server.
  case restart
  /// A contradiction of our own; the call was ended to be safe.
  case internalFault
}

extension HangupCause {
  /// The cause value of ITU-T Q.850 table 1 that says this to a telephone network.
  package var q850: UInt8 {
    switch self {
    case .normal, .cancelled, .operatorAction: 16
    case .busy: 17
    case .notRegistered: 20
    case .noAnswer, .unansweredTooLong: 19
    case .declined, .forbidden, .limitReached: 21
    case .cutAtLimit: 31
    case .unknownNumber: 1
    case .invalidNumber: 28
    case .unknownRate: 3
    case .noChannel: 34
    case .trunkFailure: 38
    case .failure, .restart, .internalFault: 41
    case .incompatible: 88
    case .loop: 25
    case .journalUnavailable, .mediaUnavailable, .draining: 42
    case .mediaSilent: 27
    case .sessionExpired, .unacknowledged: 102
    }
  }

  /// The status a caller is given when its call ends before an answer for this cause.
  package var status: UInt16 {
    switch self {
    case .normal, .cancelled: 487
    case .busy: 486
    case .noAnswer, .notRegistered, .unansweredTooLong: 480
    case .declined: 603
    case .unknownNumber: 404
    case .invalidNumber: 484
    case .forbidden, .limitReached, .cutAtLimit: 403
    case .unknownRate, .noChannel, .trunkFailure, .journalUnavailable, .mediaUnavailable: 503
    case .draining: 503
    case .failure, .restart, .internalFault: 500
    case .incompatible: 488
    case .loop: 482
    case .mediaSilent, .sessionExpired, .operatorAction: 480
    case .unacknowledged: 504
    }
  }

  /// Words for the Reason and Warning header fields: what happened, nothing about our inside.
  package var phrase: String {
    switch self {
    case .normal: "Normal call clearing"
    case .cancelled: "Call cancelled"
    case .busy: "User busy"
    case .noAnswer: "No answer"
    case .notRegistered: "Not registered"
    case .declined: "Call rejected"
    case .unknownNumber: "Unallocated number"
    case .invalidNumber: "Invalid number format"
    case .forbidden: "Destination not allowed"
    case .limitReached: "Spending limit reached"
    case .cutAtLimit: "Spending limit reached during the call"
    case .unknownRate: "No price for this destination"
    case .noChannel: "No channel available"
    case .trunkFailure: "Network out of order"
    case .failure: "Temporary failure"
    case .incompatible: "Incompatible destination"
    case .loop: "Too many forwards"
    case .journalUnavailable: "Outside calls are not possible at the moment"
    case .mediaUnavailable: "No media resource available"
    case .mediaSilent: "Media timeout"
    case .sessionExpired: "Session timer expired"
    case .unacknowledged: "Answer was not acknowledged"
    case .unansweredTooLong: "Rang too long"
    case .draining: "Server is being maintained"
    case .operatorAction: "Ended by the operator"
    case .restart: "Server was restarted"
    case .internalFault: "Internal fault"
    }
  }
}

// MARK: - What others tell us

extension HangupCause {
  /// What a final answer of the called side means (RFC 3398 §8.2.6.1, turned round).
  package init(status: UInt16) {
    switch status {
    case 486, 600: self = .busy
    case 480, 408: self = .noAnswer
    case 404, 410, 604: self = .unknownNumber
    case 484: self = .invalidNumber
    case 603, 607: self = .declined
    case 401, 402, 403, 407: self = .forbidden
    case 415, 488, 606: self = .incompatible
    case 482, 483: self = .loop
    case 487: self = .cancelled
    case 500...599: self = .trunkFailure
    case _: self = .failure
    }
  }

  /// The status that carries a Q.850 cause into SIP (RFC 3398 §7.2.4.1).
  package static func status(q850 cause: UInt8) -> UInt16 {
    switch cause {
    case 1, 2, 3: 404
    case 17: 486
    case 18: 408
    case 19, 20: 480
    case 21: 403
    case 22, 23: 410
    case 26: 404
    case 27: 502
    case 28: 484
    case 29: 501
    case 31: 480
    case 34, 38, 41, 42, 47: 503
    case 55, 57: 403
    case 58: 503
    case 65, 70: 488
    case 79: 501
    case 87: 403
    case 88: 503
    case 102: 504
    case _: 500
    }
  }
}
