"""Audio that can be recognised: a melody of tones is played at one end and read at the other."""

import array
import math
import wave

RATE = 8000
NOTE_SECONDS = 0.25
# Far enough apart for a telephone codec, and none the harmonic of another.
NOTES = [440, 620, 810, 1050, 1330, 1690]


def melody(path, order, seconds=8):
    """Writes a wave file that repeats the notes `order` (indices into NOTES)."""
    samples = array.array("h")
    count = int(seconds / NOTE_SECONDS)
    for position in range(count):
        frequency = NOTES[order[position % len(order)]]
        for index in range(int(RATE * NOTE_SECONDS)):
            # A soft edge, so that the codec's noise does not smear into the neighbours.
            edge = min(1.0, index / 160, (RATE * NOTE_SECONDS - index) / 160)
            samples.append(int(9000 * edge * math.sin(2 * math.pi * frequency * index / RATE)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def _power(samples, frequency, rate):
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    previous = before = 0.0
    for sample in samples:
        previous, before = sample + coefficient * previous - before, previous
    return previous * previous + before * before - coefficient * previous * before


def notes_heard(path):
    """The notes of a recording in their order, each run of the same note once; silence is left out."""
    with wave.open(str(path), "rb") as file:
        channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
        raw = file.readframes(file.getnframes())
    if width == 4:
        samples = array.array("h", (value >> 16 for value in array.array("i", raw)))
    else:
        samples = array.array("h", raw)
    samples = samples[::channels]
    step = rate // 20
    heard = []
    for start in range(0, len(samples) - step, step):
        frame = samples[start:start + step]
        energy = sum(sample * sample for sample in frame)
        if energy < step * 300 * 300:
            continue
        powers = [_power(frame, frequency, rate) for frequency in NOTES]
        best = max(range(len(NOTES)), key=powers.__getitem__)
        # Clear of every other note, and most of the frame's energy.
        if powers[best] > 4 * sorted(powers)[-2] and powers[best] > 0.3 * energy * step / 2:
            heard.append(best)
    runs = []
    for note in heard:
        if not runs or runs[-1][0] != note:
            runs.append([note, 0])
        runs[-1][1] += 1
    return [note for note, length in runs if length >= 2]


def longest_match(heard, order):
    """How many notes in a row follow the melody, wherever in it they begin."""
    best = 0
    for phase in range(len(order)):
        run = position = 0
        for note in heard:
            if note == order[(phase + position) % len(order)]:
                run, position = run + 1, position + 1
                best = max(best, run)
            else:
                run, position = 0, 0
                if note == order[phase]:
                    run = position = 1
    return best
