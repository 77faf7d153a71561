package docs

import (
	"fmt"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// frame is what all pages have around their content.
type frame struct {
	Page    string // which one this is
	Lang    lang.Lang
	Words   words
	Console bool
}

func newFrame(s Settings, page string, l lang.Lang) frame {
	return frame{page, l, vocabulary[l], s.Console}
}

// words of the pages themselves.
type words struct {
	Pages, Reference, Flows, Console string
	Intro, Contents, Before, Drawing string
	Other, OtherLang                 string // the other language
}

var vocabulary = map[lang.Lang]words{
	lang.English: {
		Pages: "Pages", Reference: "Reference", Flows: "Flows", Console: "Console",
		Intro: "How operations follow one another. Each step has a `curl` that runs as it is printed, in bash or zsh, with `jq`; paste the blocks of a flow one after another. " +
			"Follow the name of an operation for what it takes, answers and refuses.",
		Contents: "Contents", Before: "Before", Other: "中文", OtherLang: "zh", Drawing: "Sequence diagram",
	},
	lang.Chinese: {
		Pages: "页面", Reference: "接口参考", Flows: "流程", Console: "控制台",
		Intro: "介绍各接口如何衔接。每一步都附有可直接运行的 `curl` 命令（bash 或 zsh，需要 `jq`）；请将同一流程中的命令依次粘贴执行。" +
			"点击接口名称可查看其参数、返回值与错误。",
		Contents: "目录", Before: "准备", Other: "English", OtherLang: "en", Drawing: "时序图",
	},
}

// flowsView is what flows.html shows.
type flowsView struct {
	frame
	Told []flowView
}

type flowView struct {
	ID, Title, About, Before, Prepare string
	Drawing                           drawing
	Steps                             []stepView
}

type stepView struct {
	operation
	Tells, Shell string
}

func newFlowsView(s Settings, operations map[string]operation, l lang.Lang) (flowsView, error) {
	v := flowsView{frame: newFrame(s, "flows", l)}
	for _, f := range flows {
		told := flowView{
			ID: f.id, Title: f.title.in(l), About: f.about.in(l), Before: f.before.in(l), Prepare: setup(s.PublicURL) + f.prepare,
			Drawing: draw(f, l),
		}
		for _, step := range f.steps {
			op, ok := operations[step.operation]
			if !ok {
				return v, fmt.Errorf("flow %s: the contract has no operation %s", f.id, step.operation)
			}
			told.Steps = append(told.Steps, stepView{op, step.tells.in(l), step.shell})
		}
		v.Told = append(v.Told, told)
	}
	return v, nil
}
