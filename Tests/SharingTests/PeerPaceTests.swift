import Elements
import Sharing
import Testing

/// A peer cannot make us ask, write and log without end (docs/guard.md, A48).
@Suite struct PeerPaceTests {
  /// How many answers of so many entries are asked for within a time, by one who answers at once.
  private func answers(of entries: Int, within time: Duration) -> Int {
    var (pace, now, answers) = (PeerPace(), Instant.start + .seconds(1), 0)
    let end = now + time
    while now < end {
      answers += 1
      now = now + pace.pause(after: entries, waited: .zero, at: now)
    }
    return answers
  }

  @Test(
    "News is asked for at once; who has an entry each time is asked once a second after a minute's worth"
  )
  func short() {
    #expect(answers(of: 1, within: .milliseconds(950)) == 10)
    #expect((3_600...3_700).contains(answers(of: 1, within: .seconds(3_600))))
  }

  @Test("Who has a month to tell tells 30,000 entries at once, and then a page a second")
  func long() {
    let pages = answers(of: 500, within: .seconds(60))
    #expect((100...125).contains(pages))
    #expect((3_600...3_800).contains(answers(of: 500, within: .seconds(3_600))))
    // However much he puts into one answer.
    #expect(answers(of: 2_500, within: .seconds(3_600)) < 800)
  }

  @Test("Who has nothing to say is asked again when he has waited, or after a second")
  func nothing() {
    var pace = PeerPace()
    #expect(pace.pause(after: 0, waited: .seconds(25), at: .start) == .zero)
    #expect(pace.pause(after: 0, waited: .milliseconds(300), at: .start) == .milliseconds(700))
  }

  @Test("What happens again and again is told once a minute, with how often it was")
  func reticence() {
    var (reticence, now, told) = (Reticence(), Instant.start, [Int]())
    for _ in 0..<180 {
      if let count = reticence.speak(of: 2, at: now) { told.append(count) }
      now = now + .seconds(1)
    }
    #expect(told == [2, 120, 120])
  }

  @Test("A peer that is well and ill by turns fills no log, and its end is told to who heard of it")
  func turns() {
    var (state, now, told) = (PeerState(), Instant.start, [String]())
    for turn in 0..<120 {
      if state.complain("ill \(turn)", at: now) { told.append("ill") }
      if state.answer(at: WallTime(unixMilliseconds: 0)) { told.append("well") }
      now = now + .seconds(1)
    }
    #expect(told == ["ill", "well", "ill", "well"])
    #expect(state.complaint == nil)
  }
}
