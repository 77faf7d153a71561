// Package puzzle draws the questions of image captchas, and speaks them for people who cannot see. Characters and voices are
// those of base64Captcha; what makes them hard for an engine and the answers are ours.
//
// Invariants:
//   - Answers come from the caller's source, uniformly (C1). Of digits and audio there are 10^6, of letters 16^5 (10^6), of
//     Chinese characters several hundred to the fourth (more than 10^10). Arithmetic has only 900, which is enough for an
//     answer that is good for one try, and not for anything else.
//   - Nothing of an answer is in the bytes but its look (C8); two pictures of one answer differ.
//   - A person reads a picture at a glance; an OCR engine solves at most 5 % of 500 (C11).
//
// Against an engine: characters are turned, slanted and moved up and down, touch each other, and have a line of their own
// colour and thickness through all of them: taken away it takes strokes with it, left in it joins them. The alphabets leave out
// what people take for each other.
//
// Solved by tesseract 5 of 500 pictures of each kind, tried in ten ways (as they are, enlarged, binarised, smoothed, cleaned of
// thin lines; as a line and as a word), by the best of these ways and by all together:
//
//	digits        13 (2.6 %)     21 (4.2 %)
//	letters        0              0
//	arithmetic     0              0
//	chinese        1 (0.2 %)      1 (0.2 %)
//
// `make ocr` measures it again; `make test` tries 40 of each.
package puzzle
