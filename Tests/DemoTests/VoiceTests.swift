import Demo
import Testing

@Suite struct VoiceTests {
  @Test("each voice is known by its tone", arguments: Voice.pitches)
  func pitch(hertz: Int) {
    #expect(Voice.pitch(of: Voice.frame(hertz: hertz)) == hertz)
  }

  @Test("silence, noise and tones that nobody speaks with are no voice")
  func noVoice() {
    #expect(Voice.pitch(of: [UInt8](repeating: 0xD5, count: Voice.samplesPerFrame)) == nil)
    #expect(Voice.pitch(of: (0..<Voice.samplesPerFrame).map { UInt8($0 * 97 % 256) }) == nil)
    #expect(Voice.pitch(of: Voice.frame(hertz: 700)) == nil)
    #expect(Voice.pitch(of: Voice.frame(hertz: 400).prefix(80)) == nil)
  }

  @Test("a tone is told once, when it lasts")
  func ear() {
    var ear = Ear()
    let (first, second) = (Voice.frame(hertz: 400), Voice.frame(hertz: 650))
    var told: [Int] = []
    for frame in [first, second, first, second] { told += [ear.hear(frame)].compactMap(\.self) }
    #expect(told.isEmpty, "20 ms are a click")
    for _ in 0..<20 { told += [ear.hear(first)].compactMap(\.self) }
    for _ in 0..<20 { told += [ear.hear(second)].compactMap(\.self) }
    for _ in 0..<20 { told += [ear.hear(first)].compactMap(\.self) }
    #expect(told == [400, 650])
  }
}
