import Elements
import RTP
import Relay
import Testing

@Suite struct SessionTests {
  @Test("A37: ports are random even and odd pairs, and never the same twice while they rest")
  func pairs() throws {
    var configuration = RelayConfiguration()
    configuration.ports = 20_000...20_099
    let studio = Studio(configuration: configuration)
    var seen: [UInt16] = []
    for number in 1...25 {
      let id = MediaSessionID(UInt64(number))
      let plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
      studio.command(.open(id, MediaPlan(legs: [plan, plan])))
      for leg in 0...1 {
        let ports = try #require(studio.ports(leg))
        #expect(ports.rtp.port % 2 == 0 && ports.rtcp.port == ports.rtp.port + 1)
        #expect(configuration.ports.contains(ports.rtcp.port))
        seen.append(ports.rtp.port)
      }
      if number % 2 == 0 { studio.command(.close(id)) }
    }
    #expect(Set(seen).count == 50)
    #expect(seen != seen.sorted())
    let first = try (UInt64(1)...8).map { seed in
      let studio = Studio(seed: seed, configuration: configuration)
      studio.command(
        .open(
          MediaSessionID(1), MediaPlan(legs: [try Call.leg(at: Call.aliceAt, local: .v4Loopback)])))
      return try #require(studio.ports(0)).rtp.port
    }
    #expect(Set(first).count > 4, "nobody knows which comes next")
    // All are taken or resting: the next is refused, until the rest is over.
    let id = MediaSessionID(99)
    let plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
    _ = studio.takeEvents()
    studio.command(.open(id, MediaPlan(legs: [plan])))
    #expect(studio.takeEvents() == [.failed(id, .portsExhausted(plan.local))])
    studio.advance(.seconds(41))
    studio.command(.open(id, MediaPlan(legs: [plan])))
    #expect(studio.takeEvents() == [])
    #expect(studio.core.sessionCount == 14)
  }

  @Test("A port that somebody else has is passed over, and its partner is closed")
  func occupied() throws {
    var configuration = RelayConfiguration()
    configuration.ports = 20_000...20_005
    for seed in 1...20 {
      let studio = Studio(seed: UInt64(seed), configuration: configuration)
      studio.occupied = [20_001, 20_002]
      let plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
      studio.command(.open(MediaSessionID(1), MediaPlan(legs: [plan])))
      #expect(studio.ports(0)?.rtp.port == 20_004)
      #expect(studio.sockets.count == 2)
    }
  }

  @Test("When no port can be bound the session fails and leaves nothing behind")
  func bindFailure() throws {
    let studio = Studio()
    studio.occupied = Set(10_000...29_999)
    let plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
    studio.command(.open(MediaSessionID(1), MediaPlan(legs: [plan, plan])))
    let events = studio.takeEvents()
    #expect(events.count == 1)
    guard case .failed(MediaSessionID(1), .bindFailed) = try #require(events.first) else {
      Issue.record("\(events)")
      return
    }
    #expect(studio.core.sessionCount == 0 && studio.sockets.isEmpty)
  }

  @Test("A branch that gets no port fails alone")
  func attachFailure() throws {
    var call = try Call()
    call.studio.occupied = Set(10_000...29_999)
    let plan = try Call.leg(at: "203.0.113.30:60000", local: call.toBob.rtp.address)
    call.studio.command(.attach(call.id, leg: 2, plan))
    guard case .legFailed(call.id, leg: 2, .bindFailed) = call.studio.takeEvents().first else {
      Issue.record("no failure")
      return
    }
    call.studio.command(.attach(call.id, leg: 1, plan))
    #expect(call.studio.takeEvents() == [.legFailed(call.id, leg: 1, .numberInUse)])
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice != nil && fromBob != nil)
    #expect(call.studio.sockets.count == 4)
  }

  @Test("A44: legs and streams are bounded")
  func bounds() throws {
    let studio = Studio()
    var plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
    plan.streams = Array(repeating: plan.streams[0], count: 17)
    studio.command(.open(MediaSessionID(1), MediaPlan(legs: [plan])))
    #expect(studio.takeEvents() == [.failed(MediaSessionID(1), .tooManyStreams(limit: 16))])
    plan.streams = []
    studio.command(
      .open(MediaSessionID(2), MediaPlan(legs: Array(repeating: plan, count: 33))))
    #expect(studio.takeEvents() == [.failed(MediaSessionID(2), .tooManyLegs(limit: 32))])
    #expect(studio.sockets.isEmpty && studio.core.sessionCount == 0)
  }

  @Test("Commands that come after the close are ignored; a close is always answered")
  func crossing() throws {
    let call = try Call()
    call.studio.command(.close(call.id))
    guard case .closed(call.id, let legs) = call.studio.takeEvents().first else {
      Issue.record("not closed")
      return
    }
    #expect(legs.map(\.leg) == [0, 1])
    let plan = try Call.leg(at: Call.aliceAt, local: call.toBob.rtp.address)
    for command: RelayCommand in [
      .update(call.id, leg: 0, plan), .attach(call.id, leg: 5, plan), .detach(call.id, leg: 0),
      .bridge(call.id, LegPair(0, 1)), .renew(call.id, until: .never), .inspect(call.id),
      .play(call.id, leg: 0, .warning), .stopPlaying(call.id, leg: 0), .unbridge(call.id),
    ] { call.studio.command(command) }
    #expect(call.studio.takeEvents() == [])
    call.studio.command(.close(call.id))
    #expect(call.studio.takeEvents() == [.closed(call.id, [])])
    #expect(call.studio.sockets.count == 4 && call.studio.core.restingPairs == 2)
  }

  @Test("A packet read for a closed socket never reaches the session that got its number next")
  func generations() throws {
    var configuration = RelayConfiguration()
    configuration.openPairs = 0
    let call = try Call(studio: Studio(configuration: configuration))
    let old = try #require(call.studio.sockets[call.toAlice.rtp])
    call.studio.command(.close(call.id))
    var next = try Call(studio: call.studio)
    let new = try #require(next.studio.sockets.values.first { $0.index == old.index })
    #expect(new != old && SocketID(packed: new.packed) == new)
    let packet = next.alice.nextPacket()
    #expect(next.studio.deliver(packet, on: old, from: next.alice.at) == nil)
    #expect(next.studio.quality(next.id, 0)?.strangers == 0)
  }

  @Test(
    "A36: the slice expires by itself, even if nobody looks at the deadline; renewing revives it")
  func expiry() throws {
    let start = Studio().now
    var call = try Call(until: start + .seconds(1))
    for _ in 0..<49 {
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob != nil)
    }
    let (late, lateToo) = try call.talk()
    #expect(late == nil && lateToo == nil)
    call.studio.advance(.milliseconds(1))
    #expect(call.studio.takeEvents() == [.expired(call.id)])
    call.studio.advance(.seconds(60))
    #expect(call.studio.takeEvents() == [])
    call.studio.command(.renew(call.id, until: call.studio.now + .seconds(10)))
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice != nil && fromBob != nil)
    // An earlier end is obeyed as well.
    call.studio.command(.renew(call.id, until: call.studio.now + .milliseconds(30)))
    call.studio.advance(.milliseconds(40))
    #expect(call.studio.takeEvents() == [.expired(call.id)])
  }

  @Test("Silence of both is told once, and again after they were heard")
  func silence() throws {
    var call = try Call(silenceAfter: .seconds(30))
    for _ in 0..<10 { try call.talk() }
    let last = call.studio.now
    call.studio.advance(.milliseconds(29_990))
    #expect(call.studio.takeEvents() == [])
    call.studio.advance(.seconds(120))
    #expect(call.studio.takeEvents() == [.silent(call.id, since: last)])
    for _ in 0..<500 {
      try call.talk()
      call.studio.advance(.zero)
    }
    call.studio.advance(.seconds(40))
    #expect(call.studio.takeEvents().count == 1)
  }

  @Test("One-way audio is told with the leg that is not heard")
  func oneWay() throws {
    var call = try Call(silenceAfter: .seconds(10))
    let start = call.studio.now
    for _ in 0..<1000 {
      call.studio.advance(.milliseconds(20))
      _ = try call.say(&call.alice, to: call.toAlice.rtp)
    }
    #expect(call.studio.takeEvents() == [.oneWay(call.id, leg: 1, since: start)])
    call.studio.advance(.seconds(30))
    let events = call.studio.takeEvents()
    #expect(events.count == 1)
    guard case .silent = try #require(events.first) else {
      Issue.record("\(events)")
      return
    }
  }

  @Test("On hold nobody is missed; RTCP alone is life")
  func holdAndReports() throws {
    var call = try Call(silenceAfter: .seconds(10))
    try call.talk()
    for (leg, at) in [(0, Call.aliceAt), (1, Call.bobAt)] {
      var plan = try Call.leg(at: at, local: call.toAlice.rtp.address)
      (plan.streams[0].legSends, plan.streams[0].legReceives) = (false, false)
      call.studio.command(.update(call.id, leg: leg, plan))
    }
    call.studio.advance(.seconds(3600))
    #expect(call.studio.takeEvents() == [])
    for (leg, at) in [(0, Call.aliceAt), (1, Call.bobAt)] {
      call.studio.command(
        .update(call.id, leg: leg, try Call.leg(at: at, local: call.toAlice.rtp.address)))
    }
    let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 10]
    for _ in 0..<20 {
      call.studio.advance(.seconds(5))
      for (local, phone) in [(call.toAlice.rtcp, call.alice), (call.toBob.rtcp, call.bob)] {
        call.studio.deliver(
          report, to: local, from: Endpoint(phone.at.address, phone.at.port + 1))
      }
    }
    #expect(call.studio.takeEvents() == [])
  }

  @Test("Silence on hold is told, and once more where nobody is heard after it")
  func afterHold() throws {
    var call = try Call(silenceAfter: .seconds(10))
    try call.talk()
    var held = try Call.leg(at: Call.bobAt, local: call.toAlice.rtp.address)
    (held.streams[0].legSends, held.streams[0].legReceives) = (false, true)
    call.studio.command(.update(call.id, leg: 1, held))
    let onHold = call.studio.now
    call.studio.advance(.seconds(60))
    #expect(call.studio.takeEvents() == [.silent(call.id, since: onHold)])
    call.studio.command(
      .update(call.id, leg: 1, try Call.leg(at: Call.bobAt, local: call.toAlice.rtp.address)))
    let resumed = call.studio.now
    call.studio.advance(.milliseconds(9_990))
    #expect(call.studio.takeEvents() == [])
    call.studio.advance(.seconds(60))
    #expect(call.studio.takeEvents() == [.silent(call.id, since: resumed)])
  }

  @Test(
    "Property: opening and closing leaves no socket but those that rest, and the queue does not grow",
    arguments: 1...10
  )
  func churn(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    var configuration = RelayConfiguration()
    configuration.ports = 20_000...21_999
    configuration.openPairs = Int.random(in: 0...20, using: &random)
    configuration.variety = 4
    let studio = Studio(seed: UInt64(seed), configuration: configuration)
    var open: [MediaSessionID] = []
    for number in 1...400 {
      studio.advance(.milliseconds(Int.random(in: 0...400, using: &random)))
      let plan = try Call.leg(at: Call.aliceAt, local: #require(IPAddress("192.0.2.1")))
      if open.count < 20, Bool.random(using: &random) {
        let id = MediaSessionID(UInt64(number))
        studio.command(
          .open(
            id,
            MediaPlan(
              legs: [plan, plan], bridge: LegPair(0, 1), until: studio.now + .seconds(5),
              silenceAfter: .seconds(2))))
        open.append(id)
      } else if let id = open.randomElement(using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: studio.command(.renew(id, until: studio.now + .seconds(3)))
        case 1: studio.command(.play(id, leg: Int.random(in: 0...1, using: &random), .warning))
        case 2: studio.command(.update(id, leg: 1, plan))
        case _:
          studio.command(.close(id))
          open.removeAll { $0 == id }
        }
      }
      #expect(studio.core.sessionCount == open.count)
    }
    for id in open { studio.command(.close(id)) }
    #expect(studio.core.sessionCount == 0)
    #expect(studio.sockets.count == 2 * studio.core.restingPairs)
    #expect(studio.core.restingPairs <= configuration.openPairs)
    #expect(studio.bound - studio.closed == studio.sockets.count)
    studio.advance(.seconds(60))
    #expect(studio.core.deadline == nil)
  }
}
