import Elements

/// The levels that count a call, in the order in which they are asked.
enum HoldLevel: Int, CaseIterable {
  case account, tenant, trunk, platform

  /// Stored, because the loops over it are on the way of every call.
  static let allCases: [HoldLevel] = [.account, .tenant, .trunk, .platform]
}

/// How each level counts one hold, packed into eight bits a level; fixed while the hold lives.
package struct HoldTerms: Hashable, Sendable {
  private(set) var bits: UInt32 = 0

  init() {}

  init(bits: UInt32) {
    self.bits = bits
  }

  /// How one level counts.
  struct Level: Hashable, Sendable {
    var isPresent = false
    /// The price is in the currency of the level.
    var countsMoney = false
    /// The sell price is taken from a prepaid balance.
    var paysFromBalance = false
    var basis = Basis.max

    init() {}

    init(isPresent: Bool, countsMoney: Bool, paysFromBalance: Bool, basis: Basis) {
      (self.isPresent, self.countsMoney) = (isPresent, countsMoney)
      (self.paysFromBalance, self.basis) = (paysFromBalance, basis)
    }

    fileprivate init(byte: UInt8) {
      (isPresent, countsMoney) = (byte & 1 != 0, byte & 2 != 0)
      paysFromBalance = byte & 4 != 0
      basis = Basis(rawValue: byte >> 3 & 3) ?? .max
    }

    fileprivate var byte: UInt8 {
      (isPresent ? 1 : 0) | (countsMoney ? 2 : 0) | (paysFromBalance ? 4 : 0) | basis.rawValue << 3
    }

    /// What the level counts of `cost`.
    func money(_ cost: Cost) -> Int64 { countsMoney ? cost.counted(basis) : 0 }
  }

  subscript(level: HoldLevel) -> Level {
    get { Level(byte: UInt8(truncatingIfNeeded: bits >> UInt32(8 * level.rawValue))) }
    set {
      let shift = UInt32(8 * level.rawValue)
      bits = bits & ~(0xFF << shift) | UInt32(newValue.byte) << shift
    }
  }
}

/// Where the nodes of a hold's levels are in the ledger; -1 for a level that does not count.
struct HoldNodes: Hashable, Sendable {
  var account: Int32 = -1
  var tenant: Int32 = -1
  var trunk: Int32 = -1
  var platform: Int32 = -1

  subscript(level: HoldLevel) -> Int {
    switch level {
    case .account: Int(account)
    case .tenant: Int(tenant)
    case .trunk: Int(trunk)
    case .platform: Int(platform)
    }
  }
}

/// Money kept back for one call.
///
/// ```
///   reserve ──▶ ringing ──answered──▶ talking ──renew──▶ talking …
///                  │ reprice ↺           │
///                  └───────finish────────┴──▶ gone
///   a restart makes both `interrupted`: only finish is left
/// ```
struct Hold: Sendable {
  /// The part of a hold that does not outlive the process: prices and clocks.
  struct Live: Sendable {
    var price: Price
    let ringUntil: Instant
    /// By the clock that the price was quoted by, also where it stands behind the ledger's.
    let reservedAt: WallTime
    let ringLimit: Int64
    let guardTime: Int64
    /// Milliseconds from the answer that the total pays for, the guard included.
    var covered: Int64
    private(set) var answer: Now?

    init(
      price: Price, ringUntil: Instant, reservedAt: WallTime, ringLimit: Int64, guardTime: Int64,
      covered: Int64, answer: Now? = nil
    ) {
      (self.price, self.ringUntil, self.reservedAt) = (price, ringUntil, reservedAt)
      (self.ringLimit, self.guardTime, self.covered) = (ringLimit, guardTime, covered)
      self.answer = answer
    }

    /// The called party answered: so much later than the reservation, whatever the wall clock did meanwhile.
    mutating func takeAnswer(at instant: Instant) {
      let rang = instant - (ringUntil - .milliseconds(ringLimit))
      answer = Now(instant: instant, wall: reservedAt + rang)
    }
  }

  let id: HoldID
  let accountID: AccountID
  var trunkID: TrunkID?
  var nodes: HoldNodes
  var terms: HoldTerms
  let sellCurrency: Currency
  let purchaseCurrency: Currency
  /// Posted and still held together.
  var total: Cost
  var posted: Cost
  /// Of a debt: what was charged for the same INVITE before.
  let credit: Cost
  let isInternational: Bool
  var isAnswered: Bool
  /// When the call was counted, and when at its present trunk.
  let openedAt: LedgerTime
  var trunkSince: LedgerTime
  /// Nil after a restart.
  var live: Live?
}
