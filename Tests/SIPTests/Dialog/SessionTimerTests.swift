import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

@Suite struct SessionTimerTests {
  private let policy = SessionTimerPolicy(preferred: 1_800, minimum: 90)

  private func terms(
    _ interval: UInt32, _ refresher: SessionExpires.Refresher, requires: Bool = false
  ) -> SessionTimerVerdict {
    .agreed(SessionTimerTerms(interval: interval, refresher: refresher, requiresTimer: requires))
  }

  @Test("RFC 4028 §9: too small an interval gets 422, unless the UAC cannot understand it")
  func tooSmall() {
    let offer = SessionTimerOffer(interval: 60, isSupported: true)
    #expect(policy.answer(offer) == .tooSmall(minimum: 90))
    #expect(policy.answer(SessionTimerOffer(interval: 60, isSupported: false)) == .none)
    #expect(
      policy.answer(SessionTimerOffer(interval: 90, isSupported: true))
        == terms(90, .uac, requires: true))
  }

  @Test("RFC 4028 §9, table 2: who refreshes")
  func refresher() {
    #expect(
      policy.answer(SessionTimerOffer(interval: 600, isSupported: true))
        == terms(600, .uac, requires: true))
    #expect(
      policy.answer(SessionTimerOffer(interval: 600, refresher: .uas, isSupported: true))
        == terms(600, .uas))
    #expect(
      policy.answer(SessionTimerOffer(interval: 600, isSupported: false)) == terms(600, .uas))
    #expect(policy.answer(SessionTimerOffer(isSupported: false)) == terms(1_800, .uas))
  }

  @Test("RFC 4028 §9: the UAS may lower the interval, never below Min-SE, never raise it")
  func interval() {
    #expect(
      policy.answer(SessionTimerOffer(interval: 7_200, isSupported: true))
        == terms(1_800, .uac, requires: true))
    #expect(
      policy.answer(SessionTimerOffer(interval: 7_200, minimum: 3_600, isSupported: true))
        == terms(3_600, .uac, requires: true))
    #expect(
      policy.answer(SessionTimerOffer(interval: 100, isSupported: true))
        == terms(100, .uac, requires: true))
  }

  @Test("RFC 4028 §7.2: what a 2xx means for the UAC")
  func response() {
    #expect(policy.terms(after: SessionTimerOffer(isSupported: false)) == nil)
    #expect(
      policy.terms(after: SessionTimerOffer(interval: 600, refresher: .uas, isSupported: true))
        == SessionTimerTerms(interval: 600, refresher: .uas, requiresTimer: false))
    #expect(
      policy.terms(after: SessionTimerOffer(interval: 600, isSupported: true))?.refresher == .uac)
    // A peer that agrees on less than the minimum must not make us send all the time.
    #expect(policy.terms(after: SessionTimerOffer(interval: 1, isSupported: true))?.interval == 90)
  }

  @Test("RFC 4028 §7.3: after 422 the interval is raised")
  func raised() {
    let raised = policy.raised(to: 3_600)
    #expect(raised == SessionTimerPolicy(preferred: 3_600, minimum: 3_600))
    #expect(SessionTimerPolicy(preferred: 10, minimum: 5).minimum == 90)
  }

  @Test("RFC 4028 §10: the refresher refreshes at half, and ends the session without an answer")
  func refresh() {
    var timer = SessionTimer()
    #expect(timer.deadline == nil)
    let agreed = SessionTimerTerms(interval: 1_800, refresher: .uac, requiresTimer: false)
    timer.start(agreed, isOurs: true, at: ms(0))
    var effects: [SessionTimer.Effect] = []
    #expect(timer.deadline == ms(900_000))
    timer.handleDeadline(at: ms(899_999), into: &effects)
    #expect(effects.isEmpty)
    timer.handleDeadline(at: ms(900_000), into: &effects)
    #expect(effects == [.refresh])
    #expect(timer.deadline == ms(1_768_000))
    timer.start(agreed, isOurs: true, at: ms(900_100))
    #expect(timer.deadline == ms(1_800_100))
    timer.handleDeadline(at: ms(1_800_100), into: &effects)
    timer.handleDeadline(at: ms(2_668_100), into: &effects)
    #expect(effects == [.refresh, .refresh, .expire])
    #expect(timer.state == .expired && timer.deadline == nil)
    timer.handleDeadline(at: ms(9_000_000), into: &effects)
    #expect(effects.count == 3)
  }

  @Test("RFC 4028 §10: the other side waits, and sends BYE a little before the end")
  func expiry() {
    var timer = SessionTimer()
    timer.start(
      SessionTimerTerms(interval: 90, refresher: .uac, requiresTimer: false), isOurs: false,
      at: ms(0))
    var effects: [SessionTimer.Effect] = []
    // The smaller of 32 s and a third of the interval.
    #expect(timer.deadline == ms(60_000))
    timer.handleDeadline(at: ms(60_000), into: &effects)
    #expect(effects == [.expire])
    timer.stop()
    #expect(timer.state == .idle && timer.terms == nil)
  }

  @Test("A refresh that comes too late to be sent is an expiry")
  func late() {
    var timer = SessionTimer()
    timer.start(
      SessionTimerTerms(interval: 90, refresher: .uas, requiresTimer: false), isOurs: true,
      at: ms(0))
    var effects: [SessionTimer.Effect] = []
    timer.handleDeadline(at: ms(70_000), into: &effects)
    #expect(effects == [.expire])
  }

  @Test("RFC 4028 §4: the header fields of a message, compact form too")
  func headerFields() throws {
    let invite = try message(
      """
      INVITE sip:bob@192.0.2.2 SIP/2.0
      Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
      From: <sip:alice@192.0.2.1>;tag=a
      To: <sip:bob@192.0.2.2>
      Call-ID: c
      CSeq: 1 INVITE
      k: 100rel, Timer
      x: 4000;refresher=uac
      Min-SE: 200
      """)
    #expect(
      SessionTimerOffer(invite)
        == SessionTimerOffer(interval: 4_000, refresher: .uac, minimum: 200, isSupported: true))
  }
}
