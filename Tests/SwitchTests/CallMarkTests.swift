import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What a journal says of running calls, written and read.
@Suite struct CallMarkTests {
  @Test("A mark of a dialog that rings reads back with its realm and times, from before its answer")
  func coding() throws {
    let mark = DialogMark(
      callID: Array("id".utf8), local: Array("<sip:a@x>;tag=1".utf8),
      remote: Array("<sip:b@y>;tag=2".utf8), target: Array("sip:b@y".utf8),
      routes: [Array("<sip:p;lr>".utf8)], sequence: 7,
      flow: Flow(
        transport: .udp, local: Bench.switchEndpoint, remote: Bench.switchEndpoint),
      isTrunk: true, realm: Array("carrier.example".utf8),
      rangAt: WallTime(unixMilliseconds: 1_790_000_000_123))
    let ended = EarlyEnd(at: WallTime(unixMilliseconds: 1_790_000_000_456), isConfirmed: true)
    for realm in [mark.realm, nil] {
      for (rangAt, early) in [(mark.rangAt, nil), (mark.rangAt, ended), (nil, nil)] {
        var written = mark
        (written.realm, written.rangAt, written.early) = (realm, rangAt, early)
        var writer = ByteWriter()
        CallMark.leg(CallID(5), written).encode(into: &writer)
        for count in writer.bytes.indices {
          var reader = ByteReader(Array(writer.bytes.prefix(count)))
          #expect(throws: ByteCodingError.self) { try CallMark(from: &reader) }
        }
        var reader = ByteReader(writer.bytes)
        #expect(try CallMark(from: &reader) == .leg(CallID(5), written))
        #expect(reader.isAtEnd)
      }
    }
  }

  private static let sent = SentInvite(
    target: Array("sip:b@y".utf8), from: Array("<sip:a@x>;tag=1".utf8),
    to: Array("<sip:b@y>".utf8), cseq: 7, branch: Array("z9hG4bK1".utf8),
    hop: NextHop(
      transport: .tls, remote: Bench.switchEndpoint, local: Bench.switchEndpoint, serverName: "y"))

  private func reads(_ bytes: [UInt8]) throws -> CallMark {
    var reader = ByteReader(bytes)
    let mark = try CallMark(from: &reader)
    #expect(reader.isAtEnd)
    return mark
  }

  @Test("A mark of an INVITE reads back, with and without its parts; and one of a leg that is over")
  func codingInvites() throws {
    var invite = InviteMark(callID: Array("id".utf8), trunk: TrunkID(3), number: "34976")
    for (realm, hold, sent) in [(nil, nil, nil), (Array("r".utf8), HoldID(9), Self.sent)] {
      (invite.realm, invite.hold, invite.sent) = (realm, hold, sent)
      var writer = ByteWriter()
      CallMark.invited(CallID(5), invite).encode(into: &writer)
      #expect(try reads(writer.bytes) == .invited(CallID(5), invite))
    }
    (invite.ended, invite.presumed) = ([Array("a".utf8), []], [[]])
    (invite.credit, invite.payer) = (Cost(sell: 7, purchase: -1), AccountID(11))
    for (sequence, isOvertaken) in [(4_000 as UInt32, false), (0, true)] {
      (invite.sequence, invite.isOvertaken) = (sequence, isOvertaken)
      var writer = ByteWriter()
      CallMark.invited(CallID(5), invite).encode(into: &writer)
      #expect(try reads(writer.bytes) == .invited(CallID(5), invite))
    }
    var writer = ByteWriter()
    CallMark.gone(CallID(5), callID: Array("id".utf8)).encode(into: &writer)
    #expect(try reads(writer.bytes) == .gone(CallID(5), callID: Array("id".utf8)))
  }

  @Test(
    "Marks of INVITEs in journals of earlier versions are read", arguments: [4, 6, 7, 8] as [UInt8])
  func olderInvites(_ kind: UInt8) throws {
    var writer = ByteWriter()
    writer.write(kind)
    writer.write(CallID(5))
    writer.write(Array("id".utf8))
    writer.write(TrunkID(3))
    if kind == 6 || kind == 8 { writer.write(Array("r".utf8)) }
    if kind >= 7 { writer.write("34976") }
    let invite = InviteMark(
      callID: Array("id".utf8), trunk: TrunkID(3),
      realm: kind == 6 || kind == 8 ? Array("r".utf8) : nil, number: kind >= 7 ? "34976" : "")
    #expect(try reads(writer.bytes) == .invited(CallID(5), invite))
  }
  @Test("A mark of an INVITE that rings is read as it was before it named what pays for it")
  func olderRinging() throws {
    var invite = InviteMark(callID: Array("id".utf8), trunk: TrunkID(3), number: "34976")
    let encoded = [nil, Self.sent].map { sent in
      invite.sent = sent
      var writer = ByteWriter()
      CallMark.invited(CallID(5), invite).encode(into: &writer)
      return writer.bytes
    }
    // Behind the number: no hold, and whether it was sent.
    let (common, request) = (
      encoded[0].dropFirst().dropLast(2), encoded[1].dropFirst(encoded[0].count)
    )
    #expect(try reads([9] + common + request) == .invited(CallID(5), invite))
  }
}
