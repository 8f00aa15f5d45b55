package import Elements

/// Something that people must be told; the switch makes an ``Alert`` of it in the same journal batch.
package enum LedgerNotice: Hashable, Sendable {
  /// Once for each transition to blocked. `used` includes what is reserved.
  case blocked(LimitSubject, Block, used: Int64, limit: Int64?)
  /// `by` is the person, or nil where the windows rolled and the limit releases by itself.
  case unblocked(LimitSubject, by: String?, grants: [Grant])
  /// 50, 80 or 100 percent of a limit are used: once for each window.
  case share(LimitSubject, Meter, percent: Int, used: Int64, limit: Int64)
  /// Once for each subject, whatever was changed of its limits at once.
  case limitsChanged(LimitSubject, from: LimitSet, to: LimitSet)
  /// `count` calls of the account in this hour had no rate: at 3, 30, 300 …
  case unknownRate(AccountID, count: Int)
  /// The carrier took longer than was held for; the excess is posted and may be above a limit.
  case overrun(AccountID, HoldID, excess: Money)
  /// The clock stands more than a minute behind what was seen: windows wait until it has caught up.
  case clockBehind(by: Duration)
}

/// One more allowance in a window, given by a person at unblocking; nothing counted is wiped.
package struct Grant: Hashable, Sendable {
  package let meter: Meter
  package let amount: Int64
}

/// The name of a limit that can be changed.
package enum LimitName: Hashable, Sendable, CustomStringConvertible {
  case meter(Meter)
  case concurrentCalls, pricePerMinute, connectionFee, costPerCall

  /// All names, in the order to show them.
  package static let all: [LimitName] =
    Meter.all.map { .meter($0) }
    + [.concurrentCalls, .pricePerMinute, .connectionFee, .costPerCall]

  /// Whether its value is an amount of money.
  package var isMoney: Bool {
    switch self {
    case .meter(let meter): meter.quantity == .money
    case .concurrentCalls: false
    case .pricePerMinute, .connectionFee, .costPerCall: true
    }
  }

  package var description: String {
    switch self {
    case .meter(let meter): meter.description
    case .concurrentCalls: "paid calls at a time"
    case .pricePerMinute: "price per minute"
    case .connectionFee: "connection fee"
    case .costPerCall: "cost per call"
    }
  }
}
