package import Elements

extension CallDetailRecord {
  package func encode(into writer: inout ByteWriter) {
    writer.write(call)
    writer.write(tenant) { $0.write($1) }
    writer.write(direction.rawValue)
    writer.write(startedAt)
    writer.write(ringingAt) { $0.write($1) }
    writer.write(answeredAt) { $0.write($1) }
    writer.write(endedAt)
    writer.write(lastMediaAt) { $0.write($1) }
    writer.write(cause.rawValue)
    writer.write(endedBy.rawValue)
    writer.write(status)
    writer.write(caller)
    writer.write(shown)
    writer.write(dialled)
    writer.write(normalised)
    writer.write(destinationClass)
    writer.write(country)
    writer.write(forwardedBy) { $0.write($1) }
    writer.write(payer) { $0.write($1) }
    writer.write(trunk) { $0.write($1) }
    writer.write(Int64(attempts))
    writer.write(hold) { $0.write($1) }
    writer.write(sell) { $0.write($1) }
    writer.write(purchase) { $0.write($1) }
    writer.write(Int64(slices))
    writer.write(UInt32(legs.count) | Self.hasFlags)
    for leg in legs { leg.encode(into: &writer) }
    for leg in legs { writer.write(UInt8(leg.answered ? 1 : 0) | UInt8(leg.unheard ? 2 : 0)) }
  }

  /// Beside the number of legs: a byte for each follows them, which older journals do not have.
  private static let hasFlags: UInt32 = 1 << 31

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let call: CallID = try reader.readID()
    let tenant: TenantID? = try reader.readOptional(readID)
    let direction: Direction = try reader.readRaw()
    self.init(call: call, direction: direction, startedAt: try reader.readWallTime())
    self.tenant = tenant
    ringingAt = try reader.readOptional(readWall)
    answeredAt = try reader.readOptional(readWall)
    endedAt = try reader.readWallTime()
    lastMediaAt = try reader.readOptional(readWall)
    cause = try reader.readRaw()
    endedBy = try reader.readRaw()
    status = try reader.read()
    caller = try reader.readString()
    shown = try reader.readString()
    dialled = try reader.readString()
    normalised = try reader.readString()
    destinationClass = try reader.readString()
    country = try reader.readString()
    forwardedBy = try reader.readOptional(readID)
    payer = try reader.readOptional(readID)
    trunk = try reader.readOptional(readID)
    attempts = Int(try reader.read(Int64.self))
    hold = try reader.readOptional(readID)
    sell = try reader.readOptional(readAmount)
    purchase = try reader.readOptional(readAmount)
    slices = Int(try reader.read(Int64.self))
    let count = try reader.read(UInt32.self)
    for _ in 0..<(count & ~Self.hasFlags) { legs.append(try Leg(from: &reader)) }
    guard count & Self.hasFlags != 0 else { return }
    for index in legs.indices {
      let flags: UInt8 = try reader.read()
      (legs[index].answered, legs[index].unheard) = (flags & 1 != 0, flags & 2 != 0)
    }
  }
}

extension CallDetailRecord.Leg {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(side.rawValue)
    writer.write(`extension`) { $0.write($1) }
    writer.write(trunk) { $0.write($1) }
    writer.write(address) { $0.write($1) }
    writer.write(userAgent)
    writer.write(UInt32(codecs.count))
    for codec in codecs { writer.write(codec) }
    writer.write(quality) { $1.encode(into: &$0) }
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    self.init(side: try reader.readRaw())
    `extension` = try reader.readOptional(readID)
    trunk = try reader.readOptional(readID)
    address = try reader.readOptional(readEndpoint)
    userAgent = try reader.readString()
    let count = Int(try reader.read(UInt32.self))
    for _ in 0..<count { codecs.append(try reader.readString()) }
    quality = try reader.readOptional(readQuality)
  }
}

extension CallQuality {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(packetsReceived)
    writer.write(packetsLost)
    writer.write(jitterMicroseconds)
    writer.write(roundTripMicroseconds)
    writer.write(meanOpinionMilli)
  }
}

private func readQuality(_ reader: inout ByteReader) throws(ByteCodingError) -> CallQuality {
  CallQuality(
    packetsReceived: try reader.read(), packetsLost: try reader.read(),
    jitterMicroseconds: try reader.read(), roundTripMicroseconds: try reader.read(),
    meanOpinionMilli: try reader.read())
}

func readID<Subject>(_ reader: inout ByteReader) throws(ByteCodingError) -> ID<Subject> {
  try reader.readID()
}

func readWall(_ reader: inout ByteReader) throws(ByteCodingError) -> WallTime {
  try reader.readWallTime()
}

func readAmount(_ reader: inout ByteReader) throws(ByteCodingError) -> Money {
  try reader.readMoney()
}

func readEndpoint(_ reader: inout ByteReader) throws(ByteCodingError) -> Endpoint {
  try reader.readEndpoint()
}
