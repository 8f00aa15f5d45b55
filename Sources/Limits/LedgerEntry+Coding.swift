package import Elements

// Numbers are written with seven bits a byte, lowest first, since most are small; a kind byte comes first.

extension LedgerEntry {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .clock(let time, let lastHold):
      writer.kind(0)
      writer.time(time)
      writer.number(lastHold.number)
    case .terms(let subject, let tenant, let limits):
      writer.kind(1)
      writer.subject(subject)
      writer.optional(tenant?.number)
      writer.limits(limits)
    case .withdrawn(let subject):
      writer.kind(2)
      writer.subject(subject)
    case .window(let subject, let period, let window, let change):
      writer.kind(3)
      writer.subject(subject)
      writer.write(period.rawValue)
      writer.write(change.rawValue)
      writer.window(window)
    case .bucket(let subject, let period, let index, let used, let granted):
      writer.kind(4)
      writer.subject(subject)
      writer.write(period.rawValue)
      writer.signed(index)
      writer.tally(used)
      writer.tally(granted)
    case .deposited(let subject, let micros, let reference):
      writer.kind(5)
      writer.subject(subject)
      writer.signed(micros)
      writer.write(reference)
    case .opened, .answered, .raised, .rerouted, .finished, .attempted:
      encodeHold(into: &writer)
    case .blocked, .unblocked, .granted:
      encodeBlock(into: &writer)
    }
  }

  private func encodeHold(into writer: inout ByteWriter) {
    switch self {
    case .opened(let hold):
      writer.kind(16)
      writer.hold(hold)
    case .answered(let hold):
      writer.kind(17)
      writer.number(hold.number)
    case .raised(let hold, let posted, let total, let time):
      writer.kind(18)
      writer.number(hold.number)
      writer.cost(posted)
      writer.cost(total)
      writer.time(time)
    case .rerouted(let hold, let trunk, let terms, let total, let time):
      writer.kind(19)
      writer.number(hold.number)
      writer.optional(trunk?.number)
      writer.write(terms.bits)
      writer.cost(total)
      writer.time(time)
    case .finished(let hold, let charged, let givesBack, let time):
      writer.kind(20)
      writer.number(hold.number)
      writer.cost(charged)
      writer.write(givesBack)
      writer.time(time)
    case .attempted(let account, let trunk, let time):
      writer.kind(21)
      writer.number(account.number)
      writer.optional(trunk?.number)
      writer.time(time)
    case .clock, .terms, .withdrawn, .window, .bucket, .deposited, .blocked, .unblocked, .granted:
      break
    }
  }

  private func encodeBlock(into writer: inout ByteWriter) {
    switch self {
    case .blocked(let subject, let block):
      writer.kind(32)
      writer.subject(subject)
      writer.block(block)
    case .unblocked(let subject, let person, let at):
      writer.kind(33)
      writer.subject(subject)
      writer.write(person) { $0.write($1) }
      writer.signed(at.unixMilliseconds)
    case .granted(let subject, let grant, let kind, let time):
      writer.kind(34)
      writer.subject(subject)
      writer.meter(grant.meter)
      writer.signed(grant.amount)
      writer.write(kind.rawValue)
      writer.time(time)
    case .clock, .terms, .withdrawn, .window, .bucket, .deposited, .opened, .answered, .raised,
      .rerouted, .finished, .attempted:
      break
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let offset = reader.offset
    let kind: UInt8 = try reader.read()
    switch kind {
    case 0: self = .clock(try reader.time(), lastHold: HoldID(try reader.number()))
    case 1:
      let subject = try reader.subject()
      let tenant = try reader.optional().map { TenantID($0) }
      self = .terms(subject, tenant: tenant, try reader.limits())
    case 2: self = .withdrawn(try reader.subject())
    case 3:
      let subject = try reader.subject()
      let period: Period = try reader.raw()
      let change: WindowChange = try reader.raw()
      self = .window(subject, period, try reader.window(), change)
    case 4:
      self = .bucket(
        try reader.subject(), try reader.raw(), index: try reader.signed(),
        used: try reader.tally(), granted: try reader.tally())
    case 5:
      self = .deposited(
        try reader.subject(), micros: try reader.signed(), reference: try reader.readString())
    case 16...21: self = try Self.readHold(kind, &reader)
    case 32...34: self = try Self.readBlock(kind, &reader)
    case _: throw ByteCodingError(expected: "a kind of ledger entry", offset: offset)
    }
  }

  private static func readHold(
    _ kind: UInt8, _ reader: inout ByteReader
  ) throws(ByteCodingError) -> LedgerEntry {
    switch kind {
    case 16: return .opened(try reader.hold())
    case 17: return .answered(HoldID(try reader.number()))
    case 18:
      return .raised(
        HoldID(try reader.number()), posted: try reader.cost(), total: try reader.cost(),
        try reader.time())
    case 19:
      return .rerouted(
        HoldID(try reader.number()), trunk: try reader.optional().map { TrunkID($0) },
        terms: HoldTerms(bits: try reader.read()), total: try reader.cost(), try reader.time())
    case 20:
      return .finished(
        HoldID(try reader.number()), charged: try reader.cost(),
        givesBack: try reader.readBool(), try reader.time())
    case _:
      return .attempted(
        AccountID(try reader.number()), trunk: try reader.optional().map { TrunkID($0) },
        try reader.time())
    }
  }

  private static func readBlock(
    _ kind: UInt8, _ reader: inout ByteReader
  ) throws(ByteCodingError) -> LedgerEntry {
    let subject = try reader.subject()
    switch kind {
    case 32: return .blocked(subject, try reader.block())
    case 33:
      let person = try reader.readOptional { (reader) throws(ByteCodingError) in
        try reader.readString()
      }
      return .unblocked(
        subject, by: person, at: WallTime(unixMilliseconds: try reader.signed()))
    case _:
      let meter = try reader.meter()
      let grant = Grant(meter: meter, amount: try reader.signed())
      return .granted(subject, grant, try reader.raw(), try reader.time())
    }
  }
}
