package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/wechat"
)

// connectionCommand is about identity-source connections: mini programs and official accounts at WeChat.
type connectionCommand struct {
	Create connectionCreateCommand `cmd:"" help:"Connect an application to a mini program or official account. Prints its id and, of an official account, the push URL to enter at WeChat."`
	List   connectionListCommand   `cmd:"" help:"List the connections."`
	Set    connectionSetCommand    `cmd:"" help:"Change a connection."`
	Delete connectionDeleteCommand `cmd:"" help:"Delete a connection with its secrets. Users keep the identities that they have by it. To turn it off for a while: set --disabled."`
	Test   connectionTestCommand   `cmd:"" help:"Fetch an access token from WeChat, which tells whether app id and secret are right and this address is on the account's IP allow list."`
}

// connectionTypes are the types as they are typed.
var connectionTypes = map[string]string{
	"mini-program": db.WechatMiniprogram, "official-account": db.WechatOfficialAccount,
}

// pushPath is where the contract takes what WeChat pushes.
const pushPath = "/api/v3/wechat-push"

// connectionFlags are what can be set. Secrets come from files or from the person at the terminal, as passphrases do.
type connectionFlags struct {
	Name          *string `help:"For operators, at most 64 characters."`
	WechatAppID   *string `name:"wechat-app-id" help:"AppID of WeChat's console, such as wx0123456789abcdef."`
	SecretFile    string  `type:"existingfile" placeholder:"FILE" help:"File whose first line is the AppSecret; - asks for it, or reads a line of standard input."`
	PushTokenFile string  `type:"existingfile" placeholder:"FILE" help:"Of an official account, the same for the Token of its server configuration."`
	AESKeyFile    string  `name:"aes-key-file" xor:"aes" type:"existingfile" placeholder:"FILE" help:"Of an official account, the same for its EncodingAESKey: messages are encrypted then, and others refused."`
	RemoveAESKey  bool    `name:"remove-aes-key" xor:"aes" help:"Of an official account: messages are not encrypted any more."`
	LogoURL       *string `help:"Where pages find the logo; it is fetched, unless --logo says otherwise."`
	Logo          string  `xor:"logo" type:"existingfile" placeholder:"FILE" help:"Logo to draw into codes, PNG or JPEG, at most 256 KiB and 1024 pixels."`
	RemoveLogo    bool    `xor:"logo" help:"Draw no logo."`
	Page          *string `help:"Of a mini program, the page that codes open, such as pages/login/index."`
	EnvVersion    *string `help:"Of a mini program, the version that codes open: release, trial or develop."`
	Lang          *string `help:"Of an official account, the language in which it answers: zh or en."`
	OneTap        *bool   `help:"Of an official account: whether scanning a code is confirming it (--one-tap). Otherwise the person is asked, and answers with 1; whoever puts a code of their own over somebody's poster is signed in by one tap."`
	CreateUsers   *bool   `help:"Whether people who are not known become users (--create-users=false)."`
	Disabled      *bool   `help:"Whether the connection is turned off (--disabled, --disabled=false)."`
}

// change reads what the flags name.
func (f connectionFlags) change(ctx context.Context, in *secretReader) (set wechat.Change, err error) {
	set = wechat.Change{
		Name: f.Name, WechatAppID: f.WechatAppID, LogoURL: f.LogoURL, Page: f.Page, EnvVersion: f.EnvVersion, Lang: f.Lang,
		CreateUsers: f.CreateUsers, OneTap: f.OneTap, Disabled: f.Disabled,
	}
	for _, secret := range []struct {
		file, question string
		to             **string
	}{
		{f.SecretFile, "AppSecret", &set.AppSecret},
		{f.PushTokenFile, "Token of the server configuration", &set.PushToken},
		{f.AESKeyFile, "EncodingAESKey", &set.AESKey},
	} {
		if secret.file == "" {
			continue
		}
		text, err := in.read(ctx, secret.file, secret.question)
		if err != nil {
			return set, err
		}
		*secret.to = &text
	}
	if f.RemoveAESKey {
		set.AESKey = new(string)
	}
	set.Logo, err = f.logo(ctx)
	return set, err
}

// logo is the picture to draw; nil leaves it as it is.
func (f connectionFlags) logo(ctx context.Context) (*[]byte, error) {
	var (
		picture []byte
		err     error
	)
	switch {
	case f.RemoveLogo:
	case f.Logo != "":
		picture, err = os.ReadFile(f.Logo)
	case f.LogoURL != nil && *f.LogoURL != "":
		if picture, err = fetchLogo(ctx, *f.LogoURL); err != nil {
			err = fmt.Errorf("%w; give the picture with --logo FILE, or --remove-logo for none", err)
		}
	default:
		return nil, nil
	}
	return &picture, err
}

const (
	logoTimeout = 10 * time.Second
	logoLimit   = 256<<10 + 1 // one byte more than is taken, so that a longer one is noticed
)

// fetchLogo reads a picture that the operator has named.
func fetchLogo(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, logoTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the logo's URL is none")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch the logo: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the logo: HTTP %d", response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, logoLimit))
}

// Connections are those of the database, for whoever sets them up.
func (a *App) Connections() (*wechat.Connections, error) {
	client, err := wechat.NewClient(a.Config.WechatAPI)
	return wechat.NewConnections(a.Store, a.ring, a.Clock, client), err
}

// withConnections runs a command on the connections.
func withConnections(ctx context.Context, run func(*App, *wechat.Connections) error) error {
	return withApp(ctx, func(a *App) error {
		all, err := a.Connections()
		if err != nil {
			return err
		}
		return run(a, all)
	})
}

type connectionCreateCommand struct {
	Type string `arg:"" enum:"mini-program,official-account" help:"What people scan with: ${enum}."`
	App  string `help:"Id of the application; by default the default one."`
	connectionFlags
	JSON bool `name:"json" help:"One JSON object."`
}

// Run is called by kong.
func (c connectionCreateCommand) Run(ctx context.Context) error {
	return withConnections(ctx, func(a *App, all *wechat.Connections) error {
		return c.run(ctx, a, all, newSecretReader(os.Stdin), os.Stdout)
	})
}

func (c connectionCreateCommand) run(ctx context.Context, a *App, all *wechat.Connections, in *secretReader, out io.Writer) error {
	app, err := a.accounts.Application(ctx, c.App)
	if err != nil {
		return err
	}
	if c.SecretFile == "" {
		c.SecretFile = askForIt
	}
	if c.PushTokenFile == "" && c.Type == "official-account" {
		c.PushTokenFile = askForIt
	}
	set, err := c.change(ctx, in)
	if err != nil {
		return err
	}
	made, err := all.Create(ctx, app, connectionTypes[c.Type], set)
	if err != nil {
		return err
	}
	return a.printConnections(out, c.JSON, made)
}

type connectionListCommand struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run is called by kong.
func (c connectionListCommand) Run(ctx context.Context) error {
	return withConnections(ctx, func(a *App, all *wechat.Connections) error {
		list, err := all.List(ctx)
		if err != nil {
			return err
		}
		return a.printConnections(os.Stdout, c.JSON, list...)
	})
}

type connectionSetCommand struct {
	ID string `arg:"" help:"Id of the connection."`
	connectionFlags
	JSON bool `name:"json" help:"One JSON object."`
}

// Run is called by kong.
func (c connectionSetCommand) Run(ctx context.Context) error {
	return withConnections(ctx, func(a *App, all *wechat.Connections) error {
		return c.run(ctx, a, all, newSecretReader(os.Stdin), os.Stdout)
	})
}

func (c connectionSetCommand) run(ctx context.Context, a *App, all *wechat.Connections, in *secretReader, out io.Writer) error {
	set, err := c.change(ctx, in)
	if err != nil {
		return err
	}
	changed, err := all.Set(ctx, c.ID, set)
	if err != nil {
		return err
	}
	return a.printConnections(out, c.JSON, changed)
}

type connectionDeleteCommand struct {
	ID  string `arg:"" help:"Id of the connection."`
	Yes bool   `help:"Do not ask whether this is meant; for scripts."`
}

// Run is called by kong.
func (c connectionDeleteCommand) Run(ctx context.Context) error {
	return withConnections(ctx, func(_ *App, all *wechat.Connections) error { return c.run(ctx, all, os.Stdout) })
}

func (c connectionDeleteCommand) run(ctx context.Context, all *wechat.Connections, out io.Writer) error {
	if !c.Yes {
		if err := confirm(ctx, fmt.Sprintf("Delete the connection %s with its secrets?", c.ID)); err != nil {
			return err
		}
	}
	if err := all.Delete(ctx, c.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "connection %s is deleted\n", c.ID)
	return err
}

type connectionTestCommand struct {
	ID string `arg:"" help:"Id of the connection."`
}

// Run is called by kong.
func (c connectionTestCommand) Run(ctx context.Context) error {
	return withConnections(ctx, func(_ *App, all *wechat.Connections) error {
		if err := all.Test(ctx, c.ID); err != nil {
			return err
		}
		_, err := fmt.Println("WeChat takes app id and secret")
		return err
	})
}

// shownConnection is a connection as it is printed. It has no secret.
type shownConnection struct {
	ID          string     `json:"id"`
	Type        string     `json:"type"`
	UserpoolID  string     `json:"userpool_id"`
	AppID       string     `json:"app_id"`
	Name        string     `json:"name"`
	WechatAppID string     `json:"wechat_app_id"`
	PushURL     string     `json:"push_url,omitempty"`
	LogoURL     string     `json:"logo_url"`
	Page        string     `json:"page"`
	EnvVersion  string     `json:"env_version"`
	Lang        string     `json:"lang"`
	CreateUsers bool       `json:"create_users"`
	OneTap      bool       `json:"one_tap"`
	CreatedAt   time.Time  `json:"created_at"`
	DisabledAt  *time.Time `json:"disabled_at"`
}

// pushURL is what the operator enters at WeChat; empty for what pushes nothing.
func (a *App) pushURL(c db.Connection) string {
	if c.Type != db.WechatOfficialAccount {
		return ""
	}
	return a.Config.PublicURL + pushPath + "?connection=" + url.QueryEscape(c.ID)
}

func (a *App) printConnections(w io.Writer, asJSON bool, list ...db.Connection) error {
	if asJSON {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false) // a URL stays one
		for _, c := range list {
			if err := out.Encode(shownConnection{
				ID: c.ID, Type: c.Type, UserpoolID: c.UserpoolID, AppID: c.AppID, Name: c.Name, WechatAppID: c.WechatAppID,
				PushURL: a.pushURL(c), LogoURL: c.LogoURL, Page: c.Page, EnvVersion: c.EnvVersion, Lang: c.Lang,
				CreateUsers: c.CreateUsers, OneTap: c.OneTap, CreatedAt: c.CreatedAt, DisabledAt: c.DisabledAt,
			}); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONNECTION\tTYPE\tAPPLICATION\tAT WECHAT\tNAME\tSTATE\tPUSH URL")
	for _, c := range list {
		state, push := "on", a.pushURL(c)
		if c.DisabledAt != nil {
			state = "off"
		}
		if push == "" {
			push = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%q\t%s\t%s\n", c.ID, c.Type, c.AppID, c.WechatAppID, c.Name, state, push)
	}
	return table.Flush()
}
