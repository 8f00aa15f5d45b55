package import Elements
package import Limits
package import SIP
import SIPSyntax

/// What must be known of a running call to end it properly after the server has died.
///
/// What is large lies in a place of its own, so that an entry of a batch is small.
package enum CallMark: Hashable, Sendable {
  /// A call that may cost money or whose record must not be lost has begun; the record holds what
  /// is known so far and a later mark of the same call replaces it.
  indirect case open(CallID, CallDetailRecord)
  /// A leg has a confirmed dialog, or a paid one rings: enough to send it a BYE.
  indirect case leg(CallID, DialogMark)
  /// An INVITE is about to leave towards a carrier: its answer may come when we have died.
  case invited(CallID, InviteMark)
  /// The INVITE with that Call-ID is over while its call goes on, with another leg, or with the same INVITE again: nothing of it is to be
  /// ended any more.
  case gone(CallID, callID: [UInt8])
  /// The highest number given out: calls that have ended are in no checkpoint, and their numbers are theirs.
  case last(CallID)
}

/// What tells the answer to an INVITE of ours from a forged one.
package struct InviteMark: Hashable, Sendable {
  /// Call-ID, 128 bits that only we and the carrier know.
  package var callID: [UInt8]
  package var trunk: TrunkID
  /// The realm for which it was repeated with our credentials.
  package var realm: [UInt8]?
  /// The digits that were called, by which it is priced; a forward leads elsewhere than the record says.
  package var number: String
  /// By what it can be taken back, once it rings.
  package var sent: SentInvite?
  /// What pays for it, until that is settled; nil also in journals of earlier versions, where it is the record's.
  package var hold: HoldID?
  /// Tags of the answers to it that have got their BYE, since its call is over.
  package var ended: Set<[UInt8]> = []
  /// Those of them that nobody may have heard, which are charged since they rang.
  ///
  /// A 2xx to the BYE has told of them, or a dead process has known them. The first that is heard gets a BYE.
  package var presumed: Set<[UInt8]> = []
  /// The highest CSeq number that a request in a dialog of it may have had: a BYE below would be out of order (RFC 3261
  /// §12.2.2).
  package var sequence: UInt32 = 0
  /// A fork that is none of its dialogs has been answered, and has had the hold, unless that pays another one: what rings beside it
  /// may still be up.
  package var isOvertaken = false
  /// What was charged for it without an answer, which pays the first part of the first one; and who pays.
  package var credit: Cost?
  package var payer: AccountID?

  package init(
    callID: [UInt8], trunk: TrunkID, realm: [UInt8]? = nil, number: String = "",
    sent: SentInvite? = nil, hold: HoldID? = nil
  ) {
    (self.callID, self.trunk, self.realm, self.number) = (callID, trunk, realm, number)
    (self.sent, self.hold) = (sent, hold)
  }

  /// Whether there is more to know of it than what was sent.
  var hasPast: Bool {
    !ended.isEmpty || sequence > 0 || isOvertaken || credit != nil || payer != nil
  }

  /// It was charged without an answer.
  mutating func take(_ charge: Charge) { (credit, payer) = (Cost(charge), charge.account) }

  /// Takes over what an earlier mark of the same INVITE knows of its answers.
  mutating func remember(_ earlier: InviteMark) {
    ended.formUnion(earlier.ended)
    presumed.formUnion(earlier.presumed)
    sequence = max(sequence, earlier.sequence)
    isOvertaken = isOvertaken || earlier.isOvertaken
    (credit, payer) = (credit ?? earlier.credit, payer ?? earlier.payer)
  }
}

/// One side of a dialog, ready to be ended from outside (RFC 3261 §12).
package struct DialogMark: Hashable, Sendable {
  package var callID: [UInt8]
  /// The whole From and To values of our next request, tags included.
  package var local: [UInt8]
  package var remote: [UInt8]
  /// The request URI of our next request.
  package var target: [UInt8]
  /// Route set, topmost first.
  package var routes: [[UInt8]]
  /// The next CSeq number may be this one plus a leap for what was sent since.
  package var sequence: UInt32
  /// Where requests of this dialog went.
  package var flow: Flow
  /// A carrier may be connected to again; a phone's connection died with the process.
  package var isTrunk: Bool
  /// The realm for which a carrier may ask for our credentials; nil where the configured one counts.
  package var realm: [UInt8]?
  /// Since when it rings, in an early dialog, and its answer may not have reached the disk; nil once it is confirmed.
  package var rangAt: WallTime?
  /// What was said to a BYE in it while it rang, and the answer to its INVITE was out.
  package var early: EarlyEnd?

  package init(
    callID: [UInt8], local: [UInt8], remote: [UInt8], target: [UInt8], routes: [[UInt8]],
    sequence: UInt32, flow: Flow, isTrunk: Bool, realm: [UInt8]? = nil, rangAt: WallTime? = nil
  ) {
    (self.callID, self.local, self.remote) = (callID, local, remote)
    (self.target, self.routes, self.sequence) = (target, routes, sequence)
    (self.flow, self.isTrunk, self.realm, self.rangAt) = (flow, isTrunk, realm, rangAt)
  }

  /// The tag of the other side; that of a peer of RFC 2543 is empty.
  var remoteTag: [UInt8] { (try? NameAddress(parsing: remote.span))?.tag ?? [] }

  /// Whether `later` knows more of the same call of the other side: of the same dialog, or of the one that was
  /// confirmed, with which the others of its INVITE end (RFC 3261 §13.2.2.4).
  func isSuperseded(by later: DialogMark) -> Bool {
    guard callID == later.callID, local == later.local else { return false }
    if remote == later.remote || rangAt != nil && later.rangAt == nil { return true }
    return remoteTag == later.remoteTag
  }
}

/// The answer to the BYE of a dialog that rang.
package struct EarlyEnd: Hashable, Sendable {
  package var at: WallTime
  /// With 2xx; else with 481.
  package var isConfirmed: Bool
}

extension CallMark {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .open(let call, let record):
      writer.write(UInt8(1))
      writer.write(call)
      record.encode(into: &writer)
    case .leg(let call, let dialog):
      writer.write(dialog.kind)
      writer.write(call)
      dialog.encode(into: &writer)
      if let rangAt = dialog.rangAt {
        writer.write(dialog.realm) { $0.write($1) }
        writer.write(rangAt)
        if let early = dialog.early {
          writer.write(early.at)
          writer.write(early.isConfirmed)
        }
      } else if let realm = dialog.realm {
        writer.write(realm)
      }
    case .last(let call):
      writer.write(UInt8(3))
      writer.write(call)
    case .invited(let call, let invite):
      writer.write(UInt8(invite.hasPast ? 14 : 11))
      writer.write(call)
      invite.encode(into: &writer)
    case .gone(let call, let callID):
      writer.write(UInt8(12))
      writer.write(call)
      writer.write(callID)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    let kind = try reader.read(UInt8.self)
    switch kind {
    case 1: self = .open(try reader.readID(), try CallDetailRecord(from: &reader))
    // 5: with a realm behind it. 10: of an INVITE that rings. 13: with the answer to its BYE.
    case 2, 5, 10, 13:
      let call: CallID = try reader.readID()
      var dialog = try DialogMark(from: &reader)
      if kind == 5 { dialog.realm = try reader.readBytes() }
      if kind >= 10 {
        dialog.realm = try reader.readOptional { reader throws(ByteCodingError) in
          try reader.readBytes()
        }
        dialog.rangAt = try reader.readWallTime()
        if kind == 13 {
          dialog.early = EarlyEnd(
            at: try reader.readWallTime(), isConfirmed: try reader.readBool())
        }
      }
      self = .leg(call, dialog)
    case 3: self = .last(try reader.readID())
    case 4, 6, 7, 8, 9, 11, 14:
      self = .invited(try reader.readID(), try InviteMark(from: &reader, kind: kind))
    case 12: self = .gone(try reader.readID(), callID: try reader.readBytes())
    case _: throw ByteCodingError(expected: "a call mark", offset: start)
    }
  }
}

extension InviteMark {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(callID)
    writer.write(trunk)
    writer.write(realm) { $0.write($1) }
    writer.write(number)
    writer.write(hold) { $0.write($1) }
    writer.write(sent) { $1.encode(into: &$0) }
    guard hasPast else { return }
    writer.write(isOvertaken)
    writer.write(payer) { $0.write($1) }
    writer.write(credit) { writer, credit in
      writer.write(credit.sell)
      writer.write(credit.purchase)
    }
    writer.write(sequence)
    writer.write(UInt32(ended.count))
    for tag in ended.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      writer.write(tag)
      writer.write(presumed.contains(tag))
    }
  }

  /// Of kind 11, or 14 with what came of it; or of an earlier version: 6 and 8 have a realm, 4 and 6 no number, 9 rings.
  fileprivate init(from reader: inout ByteReader, kind: UInt8) throws(ByteCodingError) {
    self.init(callID: try reader.readBytes(), trunk: try reader.readID())
    switch kind {
    case 6, 8: realm = try reader.readBytes()
    case 9, 11, 14:
      realm = try reader.readOptional { reader throws(ByteCodingError) in try reader.readBytes() }
    case _: break
    }
    if kind >= 7 { number = try reader.readString() }
    if kind >= 11 { hold = try reader.readOptional(readID) }
    if kind == 9 { sent = try SentInvite(from: &reader) }
    if kind >= 11 {
      sent = try reader.readOptional { reader throws(ByteCodingError) in
        try SentInvite(from: &reader)
      }
    }
    if kind == 14 {
      isOvertaken = try reader.readBool()
      payer = try reader.readOptional(readID)
      credit = try reader.readOptional { reader throws(ByteCodingError) in
        Cost(sell: try reader.read(), purchase: try reader.read())
      }
      sequence = try reader.read()
      for _ in 0..<(try reader.read(UInt32.self)) {
        let tag = try reader.readBytes()
        ended.insert(tag)
        if try reader.readBool() { presumed.insert(tag) }
      }
    }
  }
}

extension SentInvite {
  fileprivate func encode(into writer: inout ByteWriter) {
    for bytes in [target, from, to, branch] { writer.write(bytes) }
    writer.write(cseq)
    writer.write(hop.transport.rawValue)
    writer.write(hop.remote)
    writer.write(hop.local)
    writer.write(hop.serverName) { $0.write($1) }
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let (target, from) = (try reader.readBytes(), try reader.readBytes())
    let (to, branch) = (try reader.readBytes(), try reader.readBytes())
    let cseq: UInt32 = try reader.read()
    let start = reader.offset
    guard let transport = Transport(rawValue: try reader.read()) else {
      throw ByteCodingError(expected: "a transport", offset: start)
    }
    let (remote, local) = (try reader.readEndpoint(), try reader.readEndpoint())
    let name = try reader.readOptional { reader throws(ByteCodingError) in
      try reader.readString()
    }
    self.init(
      target: target, from: from, to: to, cseq: cseq, branch: branch,
      hop: NextHop(transport: transport, remote: remote, local: local, serverName: name))
  }
}

extension DialogMark {
  fileprivate var kind: UInt8 {
    guard rangAt != nil else { return realm == nil ? 2 : 5 }
    return early == nil ? 10 : 13
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(callID)
    writer.write(local)
    writer.write(remote)
    writer.write(target)
    writer.write(UInt32(routes.count))
    for route in routes { writer.write(route) }
    writer.write(sequence)
    flow.encode(into: &writer)
    writer.write(isTrunk)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    let callID = try reader.readBytes()
    let local = try reader.readBytes()
    let remote = try reader.readBytes()
    let target = try reader.readBytes()
    var routes: [[UInt8]] = []
    for _ in 0..<(try reader.read(UInt32.self)) { routes.append(try reader.readBytes()) }
    self.init(
      callID: callID, local: local, remote: remote, target: target, routes: routes,
      sequence: try reader.read(), flow: try Flow(from: &reader), isTrunk: try reader.readBool())
  }
}
